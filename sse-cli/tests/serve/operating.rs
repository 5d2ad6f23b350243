//! Tests of what operators configure and observe: settings in three ways, listeners, signals, log
//! lines, idle connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use super::Server;

pub(super) fn temporary(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
    std::fs::remove_file(&path).ok();
    path
}

/// A server with its standard error.
pub(super) struct Loud {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    /// Lines that no test has read yet. A thread takes them, so that the server never waits for the
    /// test.
    log: Receiver<String>,
    /// Lines that `line` has read.
    pub(super) seen: String,
}

impl Loud {
    pub(super) fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sse"));
        command.arg("serve").args(arguments).envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, log) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (lines, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut log = BufReader::new(log);
            let mut line = String::new();
            while log.read_line(&mut line).is_ok_and(|length| length > 0) {
                lines.send(std::mem::take(&mut line)).ok();
            }
        });
        Self { child, out: BufReader::new(out), log: receiver, seen: String::new() }
    }

    /// The address of the next listener.
    pub(super) fn listening(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    /// The first log line with `part` in it.
    pub(super) fn line(&mut self, part: &str) -> String {
        loop {
            let line = self.log.recv().unwrap_or_else(|_| panic!("no line with {part}: {}", self.seen));
            self.seen.push_str(&line);
            if line.contains(part) {
                return line;
            }
        }
    }

    /// The log lines that no test has read, to the end of the server.
    pub(super) fn rest(&self) -> String {
        self.log.iter().collect()
    }

    pub(super) fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }
}

impl Drop for Loud {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(super) fn exchange(mut stream: impl Read + Write, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

pub(super) fn address(url: &str) -> &str {
    url.trim_start_matches("http://").trim_end_matches('/')
}

#[test]
fn the_command_line_precedes_the_environment_which_precedes_the_file() {
    let path = temporary("settings.toml");
    std::fs::write(&path, "listen = [\"127.0.0.1:0\"]\nretry = 1\nmax-body = 3\nkeep-alive = 9\n").unwrap();
    let mut server = Loud::start(
        &["--config", path.to_str().unwrap(), "--retry", "30"],
        &[("SSE_RETRY", "20"), ("SSE_MAX_BODY", "4"), ("SSE_PUBLISH_TOKEN", "hunter2")],
    );
    let start = server.line("start");
    for part in ["retry=30", "max-body=4", "keep-alive=9", "publish-token=(set)"] {
        assert!(start.contains(part), "{part} in {start}");
    }
    assert!(!start.contains("hunter2"));
    assert!(start.contains("publish=\"holders of the token\" follow=\"anyone on this machine\""), "{start}");
    for part in ["=false", "data-bytes", "redis-prefix", "jwt-leeway"] {
        assert!(!start.contains(part), "{part} has no effect: {start}");
    }
}

#[test]
fn several_listeners_are_served_a_unix_socket_among_them() {
    let path = temporary("socket");
    let listen = format!("unix:{}", path.display());
    let mut server = Loud::start(&["--listen", "127.0.0.1:0", "--listen", &listen], &[]);
    let tcp = server.listening();
    assert_eq!(server.listening(), listen);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let request = "GET /healthz HTTP/1.0\r\n\r\n";
    assert!(exchange(TcpStream::connect(address(&tcp)).unwrap(), request).starts_with("HTTP/1.0 200"));
    assert!(exchange(UnixStream::connect(&path).unwrap(), request).starts_with("HTTP/1.0 200"));

    let second =
        Command::new(env!("CARGO_BIN_EXE_sse")).args(["serve", "--listen", &listen]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.contains(&listen) && error.contains("another process answers"), "{error}");
}

#[test]
fn a_stale_socket_is_replaced_and_another_file_is_not() {
    let path = temporary("stale");
    drop(UnixListener::bind(&path).unwrap());
    let listen = format!("unix:{}", path.display());
    assert_eq!(Loud::start(&["--listen", &listen], &[]).listening(), listen);

    let file = temporary("file");
    std::fs::write(&file, "precious").unwrap();
    let listen = format!("unix:{}", file.display());
    let output =
        Command::new(env!("CARGO_BIN_EXE_sse")).args(["serve", "--listen", &listen]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(file).unwrap(), "precious");
}

#[test]
fn an_address_in_use_is_named() {
    let server = Server::start(&[]);
    let output = Command::new(env!("CARGO_BIN_EXE_sse"))
        .args(["serve", "--listen", &server.address])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains(&format!("cannot listen on {}", server.address)), "{error}");
}

#[test]
fn a_request_is_one_log_line_without_its_query() {
    let mut server =
        Loud::start(&["--listen", "127.0.0.1:0", "--log-format", "json", "--publish-token", "t"], &[]);
    let url = server.listening();
    let request = "POST /events/news?access_token=hunter2 HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer hunter2\r\n\r\n";
    exchange(TcpStream::connect(address(&url)).unwrap(), request);
    let line = server.line("/events/news");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["status"], &line["topic"]), (&401.into(), &"news".into()), "{line}");
    assert_eq!((&line["method"], &line["end"]), (&"POST".into(), &"complete".into()), "{line}");
    assert!(line["reason"].as_str().unwrap().contains("bearer token"), "{line}");
    assert!(!line.to_string().contains("hunter2"));
}

#[cfg(feature = "redis")]
#[test]
fn an_unavailable_event_log_is_logged_with_its_reason_and_without_its_password() {
    let mut server =
        Loud::start(&["--listen", "127.0.0.1:0", "--redis", "redis://user:hunter2@127.0.0.1:1"], &[]);
    let line = server.line("the event log is unavailable");
    assert!(line.contains("127.0.0.1:1") && line.contains("refused"), "{line}");
    assert!(!server.seen.contains("hunter2"), "{}", server.seen);
}

#[test]
fn rust_log_sets_the_level_of_log_lines() {
    let mut server = Loud::start(&["--listen", "127.0.0.1:0"], &[("RUST_LOG", "warn")]);
    let url = server.listening();
    exchange(TcpStream::connect(address(&url)).unwrap(), "GET /healthz HTTP/1.0\r\n\r\n");
    server.signal("-TERM");
    assert_eq!(server.rest(), "");
}

#[test]
fn sighup_reads_tokens_again_and_a_bad_file_keeps_the_old_ones() {
    let path = temporary("token");
    std::fs::write(&path, "first\n").unwrap();
    let mut server =
        Loud::start(&["--listen", "127.0.0.1:0", "--publish-token-file", path.to_str().unwrap()], &[]);
    let url = server.listening();
    let publish = |token: &str| {
        let request =
            format!("POST /events/t HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
        exchange(TcpStream::connect(address(&url)).unwrap(), &request)[9..12].to_owned()
    };
    assert_eq!((publish("first"), publish("second")), ("200".to_owned(), "401".to_owned()));
    std::fs::write(&path, "second\n").unwrap();
    server.signal("-HUP");
    server.line("reloaded");
    assert_eq!((publish("first"), publish("second")), ("401".to_owned(), "200".to_owned()));
    std::fs::write(&path, "\n").unwrap();
    server.signal("-HUP");
    assert!(server.line("not reloaded").contains("ERROR"));
    assert_eq!(publish("second"), "200");
}

#[test]
fn an_idle_connection_ends_after_the_announced_time() {
    let mut server = Loud::start(&["--listen", "127.0.0.1:0", "--idle-timeout", "1"], &[]);
    let url = server.listening();
    let mut stream = TcpStream::connect(address(&url)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let answer = exchange(&mut stream, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(answer.contains("keep-alive: timeout=1\r\n") && answer.ends_with("ok\n"), "{answer}");
}

#[test]
fn probes_answer_whatever_the_host_and_pages_behind_tls_may_publish() {
    let server = Server::start(&["--host", "app.example"]);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.request("GET", path, &["Host: 10.1.2.3:8080"], "").status, 200, "{path}");
    }
    let page = ["Host: app.example", "Origin: https://app.example"];
    assert_eq!(server.request("POST", "/events/t", &page, "x").status, 200);
    let other = ["Host: app.example", "Origin: https://evil.example"];
    assert_eq!(server.request("POST", "/events/t", &other, "x").status, 403);
}

#[test]
fn a_health_check_succeeds_only_if_the_answer_is_200() {
    let server = Server::start(&[]);
    let check = |arguments: &[&str]| {
        // The check of a container is not the business of its proxy.
        let mut command = Command::new(env!("CARGO_BIN_EXE_sse"));
        command.arg("healthcheck").args(arguments).env("http_proxy", "http://127.0.0.1:1");
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let url = |path: &str| format!("http://{}{path}", server.address);
    assert_eq!(check(&[&url("/healthz")]), (Some(0), String::new()));
    assert_eq!(check(&[&url("/readyz")]).0, Some(0));
    let (code, text) = check(&[&url("/absent")]);
    assert!(code == Some(1) && text.contains("not healthy: the server answered 404"), "{text}");
    let (code, text) = check(&["http://127.0.0.1:1/healthz"]);
    assert!(code == Some(1) && text.contains("not healthy: "), "{text}");
    assert_eq!(check(&["127.0.0.1:8080"]).0, Some(2));
}
