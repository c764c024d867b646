//! The control interface and the program, tested through sockets only.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use aws_sdk_iam::config::retry::RetryConfig;
use serde_json::{Value, json};
use support::{USER, client_with, create, refusal};

/// The process, ended when a test is over.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start_process(arguments: &[&str]) -> (Process, Value) {
    let child = Command::new(env!("CARGO_BIN_EXE_keyspaces-emulator"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut process = Process(child);
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (process, serde_json::from_str(&line).unwrap())
}

/// The status and the JSON of a reply; null for an empty one.
fn ask(ready: &Value, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let address = ready["control_url"].as_str().unwrap().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: emulator\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, text) = reply.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(text).unwrap_or(Value::Null))
}

#[tokio::test]
async fn the_process_is_controlled_over_http() {
    let (mut process, ready) =
        start_process(&["--user", USER, "--account", "444455556666", "--iam-tls-port", "0", "--until-stdin-closes"]);
    let ca = std::fs::read_to_string(ready["ca_file"].as_str().unwrap()).unwrap();
    let url = ready["iam_tls_url"].as_str().unwrap().to_owned();
    let client = client_with(url, RetryConfig::disabled(), "AKIATEST", Some(&ca));

    let fault = json!({
        "operation": "CreateServiceSpecificCredential", "from": 2, "count": 1, "when": "after",
        "kind": { "refuse": { "status": 400, "code": "Throttling" } },
    });
    assert_eq!(ask(&ready, "POST", "/faults", &fault), (200, json!({ "id": 1 })));
    let made = create(&client, USER).await;
    assert_eq!(made.service_user_name, "orders-app-at-444455556666");
    let request = client.create_service_specific_credential().user_name(USER);
    let result = request.service_name(support::CASSANDRA).send().await;
    assert_eq!(refusal(result), (400, "Throttling".into()));

    let (status, calls) = ask(&ready, "GET", "/calls", &Value::Null);
    assert_eq!((status, calls.as_array().unwrap().len()), (200, 2));
    assert_eq!(calls[1]["fault"], "refuse");
    assert_eq!(calls[1]["applied"], true);
    assert_eq!(ask(&ready, "DELETE", "/calls", &Value::Null), (204, Value::Null));
    assert_eq!(ask(&ready, "GET", "/calls", &Value::Null), (200, json!([])));

    let (_, state) = ask(&ready, "GET", "/state", &Value::Null);
    let credentials = state["credentials"].as_array().unwrap();
    assert_eq!(credentials.len(), 2);
    let ids: Vec<_> = credentials.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids[0], made.service_specific_credential_id);
    assert!(!state.to_string().contains(&made.service_password));

    let path = format!("/credentials/{}/status", ids[0]);
    assert_eq!(ask(&ready, "PUT", &path, &json!({ "status": "Odd" })).0, 204);
    assert_eq!(ask(&ready, "DELETE", &format!("/credentials/{}", ids[1]), &Value::Null).0, 204);
    assert_eq!(ask(&ready, "DELETE", &format!("/credentials/{}", ids[1]), &Value::Null).0, 404);
    let (_, state) = ask(&ready, "GET", "/state", &Value::Null);
    assert_eq!(state["credentials"][0]["status"], "Odd");

    // Closing standard input is the end.
    drop(process.0.stdin.take());
    assert!(process.0.wait().unwrap().success());
    assert!(!std::path::Path::new(ready["ca_file"].as_str().unwrap()).exists());
}

#[tokio::test]
async fn users_credentials_settings_and_faults_have_their_paths() {
    let emulator = support::start();
    let ready = json!({ "control_url": emulator.control_url() });
    let ask = async |method: &'static str, path: &str, body: Value| {
        let (ready, path) = (ready.clone(), path.to_owned());
        tokio::task::spawn_blocking(move || ask(&ready, method, &path, &body)).await.unwrap()
    };
    assert_eq!(ask("POST", "/users", json!({ "name": "a+b@c" })).await.0, 200);
    assert_eq!(ask("POST", "/users", json!({ "name": "a+b@c" })).await.0, 409);
    let (status, issued) = ask("POST", "/credentials", json!({ "user": "a+b@c" })).await;
    assert_eq!((status, &issued["credential"]["outside"]), (200, &json!(true)));
    let name = issued["credential"]["service_user_name"].clone();
    let pair = json!({ "service_user_name": name, "password": issued["password"] });
    let (_, found) = ask("POST", "/verify", pair).await;
    assert_eq!(found["credential_id"], issued["credential"]["id"]);
    let (_, leaks) = ask("POST", "/leaks", json!({ "log": issued["password"] })).await;
    assert_eq!(leaks["credential_ids"], json!([issued["credential"]["id"]]));
    assert_eq!(ask("DELETE", "/users/a+b@c", Value::Null).await.0, 409);
    assert_eq!(ask("DELETE", "/users/a+b@c?force=true", Value::Null).await.0, 204);
    assert_eq!(ask("DELETE", "/users/a+b@c", Value::Null).await.0, 404);

    let settings = json!({ "list_new_lag": "for_ever", "login_lag": 1500, "page_size": 1 });
    let (status, settings) = ask("PATCH", "/settings", settings).await;
    assert_eq!(status, 200);
    let expected = json!({
        "list_new_lag": "for_ever", "list_deleted_lag": 0, "login_lag": 1500, "page_size": 1,
    });
    assert_eq!(settings, expected);
    assert_eq!(ask("POST", "/clock", json!({ "stopped": true, "advance_ms": 5 })).await.0, 204);

    for kind in [
        json!("hang"),
        json!("close"),
        json!("reset"),
        json!({ "delay": { "ms": 1 } }),
        json!({ "status": { "status": 503 } }),
        json!({ "cut_body": {} }),
        json!({ "cut_xml": { "at": 3 } }),
        json!({ "drop_field": { "element": "Marker" } }),
        json!({ "late": { "ms": 5, "hang": true } }),
    ] {
        assert_eq!(ask("POST", "/faults", json!({ "kind": kind })).await.0, 200, "{kind}");
    }
    assert_eq!(ask("POST", "/faults", json!({ "kind": "odd" })).await.0, 400);
    assert_eq!(ask("POST", "/faults", json!({ "kind": "hang", "odd": 1 })).await.0, 400);
    assert_eq!(ask("DELETE", "/faults/1", Value::Null).await.0, 204);
    assert_eq!(ask("DELETE", "/faults/1", Value::Null).await.0, 404);
    let (_, faults) = ask("GET", "/faults", Value::Null).await;
    assert_eq!(faults.as_array().unwrap().len(), 8);
    assert_eq!(ask("DELETE", "/faults", Value::Null).await.0, 204);
    assert_eq!(emulator.faults(), []);
    assert_eq!(ask("POST", "/late/land", Value::Null).await.0, 204);
    assert_eq!(ask("GET", "/logins", Value::Null).await, (200, json!([])));
    assert_eq!(ask("GET", "/odd", Value::Null).await.0, 404);
}
