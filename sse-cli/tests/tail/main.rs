//! `sse tail` as a process, against servers on loopback.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers are part of the tests")]

mod connection;
mod cookies;
mod documentation;
mod ending;
mod output;
mod reconnection;
mod request;
mod scripts;
mod several;
mod tls;

use std::process::{Command, Output};

/// The command, with nothing of the environment that changes what it does.
fn tail(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse"));
    command.arg("tail").arg(url).args(arguments);
    for name in ["http_proxy", "https_proxy", "all_proxy", "CLICOLOR_FORCE"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command
}

/// Exit code and output of a command.
struct Left {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(url: &str, arguments: &[&str]) -> Left {
    let Output { status, stdout, stderr } = tail(url, arguments).output().unwrap();
    Left {
        code: status.code(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

impl Left {
    /// The lines of JSON.
    fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
