//! The system tables: their columns, and the one row of `system.local`.

use std::net::{IpAddr, SocketAddr};

use super::frame::Writer;

/// Types of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Blob,
    Boolean,
    Int,
    Uuid,
    Inet,
    TextSet,
    TextList,
    TextMap,
}

/// A table and its columns, the key first.
pub(super) struct Table {
    pub(super) keyspace: &'static str,
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Type)],
}

/// The only node there is.
#[derive(Clone)]
pub(crate) struct Node {
    address: SocketAddr,
    region: String,
}

use Type::{Blob, Boolean, Inet, Int, Text, TextList, TextMap, TextSet, Uuid};

/// The tables that exist. Those that drivers try and Keyspaces lacks, such as `system.peers_v2`,
/// are missing on purpose.
const TABLES: &[Table] = &[
    Table {
        keyspace: "system",
        name: "local",
        columns: &[
            ("key", Text),
            ("bootstrapped", Text),
            ("broadcast_address", Inet),
            ("cluster_name", Text),
            ("cql_version", Text),
            ("data_center", Text),
            ("host_id", Uuid),
            ("listen_address", Inet),
            ("native_protocol_version", Text),
            ("partitioner", Text),
            ("rack", Text),
            ("release_version", Text),
            ("rpc_address", Inet),
            ("schema_version", Uuid),
            ("tokens", TextSet),
        ],
    },
    Table {
        keyspace: "system",
        name: "peers",
        columns: &[
            ("peer", Inet),
            ("data_center", Text),
            ("host_id", Uuid),
            ("preferred_ip", Inet),
            ("rack", Text),
            ("release_version", Text),
            ("rpc_address", Inet),
            ("schema_version", Uuid),
            ("tokens", TextSet),
        ],
    },
    Table {
        keyspace: "system_schema",
        name: "keyspaces",
        columns: &[("keyspace_name", Text), ("durable_writes", Boolean), ("replication", TextMap)],
    },
    Table {
        keyspace: "system_schema",
        name: "tables",
        columns: &[
            ("keyspace_name", Text),
            ("table_name", Text),
            ("comment", Text),
            ("compaction", TextMap),
            ("compression", TextMap),
            ("default_time_to_live", Int),
            ("flags", TextSet),
            ("gc_grace_seconds", Int),
            ("id", Uuid),
        ],
    },
    Table {
        keyspace: "system_schema",
        name: "columns",
        columns: &[
            ("keyspace_name", Text),
            ("table_name", Text),
            ("column_name", Text),
            ("clustering_order", Text),
            ("column_name_bytes", Blob),
            ("kind", Text),
            ("position", Int),
            ("type", Text),
        ],
    },
    Table {
        keyspace: "system_schema",
        name: "types",
        columns: &[("keyspace_name", Text), ("type_name", Text), ("field_names", TextList), ("field_types", TextList)],
    },
    Table {
        keyspace: "system_schema",
        name: "views",
        columns: &[
            ("keyspace_name", Text),
            ("view_name", Text),
            ("base_table_id", Uuid),
            ("base_table_name", Text),
            ("include_all_columns", Boolean),
            ("where_clause", Text),
        ],
    },
    Table {
        keyspace: "system_schema",
        name: "indexes",
        columns: &[
            ("keyspace_name", Text),
            ("table_name", Text),
            ("index_name", Text),
            ("kind", Text),
            ("options", TextMap),
        ],
    },
    Table {
        keyspace: "system_schema",
        name: "triggers",
        columns: &[("keyspace_name", Text), ("table_name", Text), ("trigger_name", Text), ("options", TextMap)],
    },
    Table {
        keyspace: "system_schema",
        name: "functions",
        columns: &[
            ("keyspace_name", Text),
            ("function_name", Text),
            ("argument_types", TextList),
            ("argument_names", TextList),
            ("body", Text),
            ("called_on_null_input", Boolean),
            ("language", Text),
            ("return_type", Text),
        ],
    },
    Table {
        keyspace: "system_schema",
        name: "aggregates",
        columns: &[
            ("keyspace_name", Text),
            ("aggregate_name", Text),
            ("argument_types", TextList),
            ("final_func", Text),
            ("initcond", Text),
            ("return_type", Text),
            ("state_func", Text),
            ("state_type", Text),
        ],
    },
];

/// The table of this name.
pub(super) fn find(keyspace: &str, name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.keyspace == keyspace && table.name == name)
}

impl Type {
    /// Writes the type as an option of column metadata.
    pub(super) fn write(self, to: &mut Writer) {
        const VARCHAR: usize = 0x0D;
        match self {
            Self::Text => to.short(VARCHAR),
            Self::Blob => to.short(0x03),
            Self::Boolean => to.short(0x04),
            Self::Int => to.short(0x09),
            Self::Uuid => to.short(0x0C),
            Self::Inet => to.short(0x10),
            Self::TextSet => to.short(0x22).short(VARCHAR),
            Self::TextList => to.short(0x20).short(VARCHAR),
            Self::TextMap => to.short(0x21).short(VARCHAR).short(VARCHAR),
        };
    }
}

impl Node {
    pub(crate) fn new(address: SocketAddr, region: String) -> Self {
        Self { address, region }
    }

    /// The value of a column of `system.local`.
    pub(super) fn value(&self, column: &str) -> Option<Vec<u8>> {
        const HOST_ID: [u8; 16] = *b"\x0a\x6f\x1d\x2b\x8c\x3e\x4f\x50\x91\xa2\xb3\xc4\xd5\xe6\xf7\x08";
        const SCHEMA: [u8; 16] = *b"\x1b\x7f\x2e\x3c\x9d\x4f\x40\x61\xa2\xb3\xc4\xd5\xe6\xf7\x08\x19";
        let text = |text: &str| Some(text.as_bytes().to_vec());
        match column {
            "key" => text("local"),
            "bootstrapped" => text("COMPLETED"),
            "cluster_name" => text("Amazon Keyspaces"),
            "cql_version" => text("3.4.4"),
            "data_center" => text(&self.region),
            "native_protocol_version" => text("4"),
            "partitioner" => text("org.apache.cassandra.dht.Murmur3Partitioner"),
            "rack" => text("rack1"),
            "release_version" => text("3.11.2"),
            "host_id" => Some(HOST_ID.to_vec()),
            "schema_version" => Some(SCHEMA.to_vec()),
            "broadcast_address" | "listen_address" | "rpc_address" => Some(match self.address.ip() {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            }),
            "tokens" => {
                let mut set = Writer::default();
                set.int(1).value(Some(b"0"));
                Some(set.into_bytes())
            }
            _ => None,
        }
    }
}
