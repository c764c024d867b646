//! The emulator as a process: it prints one line of JSON when it is ready, and runs until it is
//! told to stop.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use keyspaces_emulator::{Emulator, Lag, Options};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// Emulates IAM's service-specific credentials and the login of Amazon Keyspaces.
#[derive(Parser)]
#[command(name = "keyspaces-emulator", version)]
struct Arguments {
    /// An IAM user to create; may be repeated
    #[arg(long = "user", value_name = "NAME")]
    users: Vec<String>,
    /// The account that service user names end in
    #[arg(long, default_value = "111122223333")]
    account: String,
    /// The region, which the CQL endpoint tells as its data centre
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// The caller of requests whose access key is not mapped
    #[arg(long, value_name = "NAME", default_value = "operator")]
    default_user: String,
    /// The user that an access key belongs to; may be repeated
    #[arg(long = "access-key", value_name = "ID=NAME", value_parser = key_and_user)]
    access_keys: Vec<(String, String)>,
    /// Where IAM and the CQL endpoint listen
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// The port of IAM over HTTP; 0 for any
    #[arg(long, default_value_t = 0)]
    iam_port: u16,
    /// The port of IAM over HTTPS, which is off without it; 0 for any
    #[arg(long)]
    iam_tls_port: Option<u16>,
    /// The port of the CQL endpoint; 0 for any
    #[arg(long, default_value_t = 0)]
    cql_port: u16,
    /// The port of the control interface on 127.0.0.1; 0 for any
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// A further DNS name of the certificate; may be repeated
    #[arg(long = "dns-name", value_name = "NAME")]
    dns_names: Vec<String>,
    /// The most credentials in one page of a list
    #[arg(long, default_value_t = 100)]
    page_size: usize,
    /// How long a new credential does not show in a list
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    list_new_lag: u64,
    /// How long a deleted credential goes on showing in a list
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    list_deleted_lag: u64,
    /// How long the login refuses a new password
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    login_lag: u64,
    /// Where to write the certificate of the emulator's CA; a file in the temporary directory by default
    #[arg(long, value_name = "PATH")]
    ca_file: Option<PathBuf>,
    /// Stop when standard input is closed as well
    #[arg(long)]
    until_stdin_closes: bool,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    run(Arguments::parse()).await
}

async fn run(arguments: Arguments) -> io::Result<()> {
    let ca_file_is_temporary = arguments.ca_file.is_none();
    let ca_file = arguments.ca_file.clone().unwrap_or_else(default_ca_file);
    let until_stdin_closes = arguments.until_stdin_closes;
    let emulator = Emulator::start(arguments.into_options())?;
    std::fs::write(&ca_file, emulator.ca_pem())?;

    // The signals are caught before the ready line is printed, so that its reader may send one at once.
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let ready = json!({
        "iam_url": emulator.iam_url(),
        "iam_tls_url": emulator.iam_tls_url(),
        "cql_address": emulator.cql_address(),
        "control_url": emulator.control_url(),
        "ca_file": ca_file,
    });
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{ready}")?;
    stdout.flush()?;
    drop(stdout);

    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
        () = stdin_closed(), if until_stdin_closes => {}
    }
    if ca_file_is_temporary { std::fs::remove_file(ca_file) } else { Ok(()) }
}

impl Arguments {
    fn into_options(self) -> Options {
        Options {
            account: self.account,
            region: self.region,
            users: self.users,
            default_user: self.default_user,
            access_keys: self.access_keys.into_iter().collect::<BTreeMap<_, _>>(),
            listen: self.listen,
            iam_port: self.iam_port,
            iam_tls_port: self.iam_tls_port,
            cql_port: self.cql_port,
            control_port: self.control_port,
            dns_names: self.dns_names,
            page_size: self.page_size,
            lag: Lag {
                list_new: Duration::from_millis(self.list_new_lag),
                list_deleted: Duration::from_millis(self.list_deleted_lag),
                login: Duration::from_millis(self.login_lag),
            },
        }
    }
}

fn default_ca_file() -> PathBuf {
    std::env::temp_dir().join(format!("keyspaces-emulator-{}-ca.pem", std::process::id()))
}

fn key_and_user(text: &str) -> Result<(String, String), String> {
    let (key, user) = text.split_once('=').ok_or("expected ID=NAME")?;
    Ok((key.into(), user.into()))
}

/// Waits in a thread that the end of the process does not wait for: a read of standard input cannot be cancelled.
async fn stdin_closed() {
    let (closed, mut wait) = tokio::sync::mpsc::channel::<()>(1);
    std::thread::spawn(move || {
        // An error of standard input counts as its end.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        drop(closed);
    });
    let _ = wait.recv().await;
}
