//! As much of CQL as drivers send by themselves: selects from system tables.

use super::frame::{Code, Reply, Writer};
use super::tables::{self, Node, Table, Type};

const ROWS: i32 = 2;
const PREPARED: i32 = 4;
const GLOBAL_TABLE: i32 = 1;

/// A select from a table that exists.
pub(super) struct Select {
    table: &'static Table,
    columns: Vec<Column>,
    /// Types of the values to bind, in their order.
    bound: Vec<(&'static str, Type)>,
}

struct Column {
    source: &'static str,
    name: String,
    kind: Type,
}

impl Select {
    /// Parses a statement. The error says what is wrong with it.
    pub(super) fn parse(statement: &str) -> Result<Self, Reply> {
        let words = words(statement);
        let mut words = words.iter().map(String::as_str).peekable();
        let verb = words.next().unwrap_or_default().to_ascii_lowercase();
        match verb.as_str() {
            "select" => {}
            "insert" | "update" | "delete" | "create" | "alter" | "drop" | "truncate" | "grant" | "revoke"
            | "begin" => {
                return Err(Reply::error(Code::Unauthorized, "Only system tables can be read here"));
            }
            "use" => return Err(Reply::error(Code::Invalid, "Keyspace does not exist")),
            _ => return Err(Reply::error(Code::Syntax, "no viable alternative at input")),
        }
        let selected: Vec<&str> = words.by_ref().take_while(|word| !word.eq_ignore_ascii_case("from")).collect();
        let Some((keyspace, name)) = words.next().and_then(|table| table.split_once('.')) else {
            return Err(Reply::error(Code::Invalid, "No keyspace has been specified"));
        };
        let Some(table) = tables::find(keyspace, name) else {
            return Err(Reply::error(Code::Invalid, &format!("unconfigured table {name}")));
        };
        let columns = table.select(&selected)?;
        let condition: Vec<&str> = words.collect();
        Ok(Self { table, columns, bound: table.bound(&condition)? })
    }

    /// The rows: one of `system.local`, none of any other table.
    pub(super) fn rows(&self, node: &Node) -> Reply {
        let mut body = Writer::default();
        body.int(ROWS).append(&self.metadata());
        let is_local = self.table.name == "local";
        body.int(is_local.into());
        if is_local {
            for column in &self.columns {
                body.value(node.value(column.source).as_deref());
            }
        }
        Reply::result(body)
    }

    /// The reply to a PREPARE.
    pub(super) fn prepared(&self, id: &[u8]) -> Reply {
        let mut body = Writer::default();
        body.int(PREPARED).short_bytes(id);
        body.int(GLOBAL_TABLE).count(self.bound.len());
        // No indexes of a partition key. Drivers then cannot route requests by it, and need not.
        body.int(0);
        body.string(self.table.keyspace).string(self.table.name);
        for (name, kind) in &self.bound {
            kind.write(body.string(name));
        }
        body.append(&self.metadata());
        Reply::result(body)
    }

    fn metadata(&self) -> Writer {
        let mut metadata = Writer::default();
        metadata.int(GLOBAL_TABLE).count(self.columns.len());
        metadata.string(self.table.keyspace).string(self.table.name);
        for column in &self.columns {
            column.kind.write(metadata.string(&column.name));
        }
        metadata
    }
}

impl Table {
    fn column(&self, name: &str) -> Result<(&'static str, Type), Reply> {
        let found = self.columns.iter().find(|(column, _)| *column == name);
        found.copied().ok_or_else(|| Reply::error(Code::Invalid, &format!("Undefined column name {name}")))
    }

    /// The columns of a list of words such as `a , b as c`, or `*`.
    fn select(&self, words: &[&str]) -> Result<Vec<Column>, Reply> {
        if words == ["*"] {
            let all = self.columns.iter().map(|(source, kind)| Column { source, name: (*source).into(), kind: *kind });
            return Ok(all.collect());
        }
        let columns = words.split(|word| *word == ",").map(|words| {
            let name = match words {
                [name] => *name,
                [_, keyword, alias] if keyword.eq_ignore_ascii_case("as") => *alias,
                _ => return Err(Reply::error(Code::Syntax, "cannot read the selection")),
            };
            let (source, kind) = self.column(words[0])?;
            Ok(Column { source, name: name.into(), kind })
        });
        columns.collect()
    }

    /// What each `?` of a condition stands for. After `in ?` it stands for a list. The columns are then text, as are the keys
    /// of all tables but `system.peers`.
    fn bound(&self, condition: &[&str]) -> Result<Vec<(&'static str, Type)>, Reply> {
        let mut bound = Vec::new();
        for window in condition.windows(3).filter(|window| window[2] == "?") {
            let (name, kind) = self.column(window[0])?;
            let is_list = window[1].eq_ignore_ascii_case("in");
            bound.push((name, if is_list { Type::TextList } else { kind }));
        }
        Ok(bound)
    }
}

/// Splits a statement into names, numbers and strings, and every other character by itself.
fn words(statement: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut continues = false;
    for sign in statement.trim_end_matches([';', ' ', '\n']).chars() {
        let part_of_word = sign.is_ascii_alphanumeric() || "_.'".contains(sign);
        match words.last_mut() {
            Some(word) if part_of_word && continues => word.push(sign),
            // Quotes around names only matter for upper case, which no system table has.
            _ if sign.is_whitespace() || sign == '"' => {}
            _ => words.push(sign.into()),
        }
        continues = part_of_word || (sign == '"' && continues);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_split_into_words() {
        assert_eq!(
            words("SELECT a, b AS c FROM system.local WHERE key='local';"),
            ["SELECT", "a", ",", "b", "AS", "c", "FROM", "system.local", "WHERE", "key", "=", "'local'"]
        );
    }

    #[test]
    fn a_selection_keeps_order_and_aliases() {
        let select = Select::parse("select data_center as dc, host_id from system.local");
        let columns = select.map(|it| it.columns.into_iter().map(|c| (c.source, c.name)).collect());
        let expected = vec![("data_center", "dc".to_owned()), ("host_id", "host_id".to_owned())];
        assert_eq!(columns.ok(), Some(expected));
    }

    #[test]
    fn values_to_bind_have_the_type_of_their_column() {
        let select = Select::parse("SELECT type FROM system_schema.columns WHERE keyspace_name IN ? AND position = ?");
        let bound = select.map(|it| it.bound);
        let expected = vec![("keyspace_name", Type::TextList), ("position", Type::Int)];
        assert_eq!(bound.ok(), Some(expected));
    }

    #[test]
    fn tables_and_columns_that_keyspaces_lacks_are_errors() {
        assert!(Select::parse("SELECT * FROM system.peers_v2").is_err());
        assert!(Select::parse("SELECT supported_features FROM system.local").is_err());
        assert!(Select::parse("DROP TABLE a.b").is_err());
    }
}
