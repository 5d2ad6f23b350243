//! The command under test: started without a shell, ended with all its children.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use crate::failure::{Failure, USAGE};

/// The largest output of a client that is kept, in bytes.
pub(super) const OUTPUT: u64 = 16 << 20;

/// A command line with `{url}` in it.
#[derive(Debug)]
pub(crate) struct Template {
    words: Vec<String>,
}

impl Template {
    pub(super) fn new(words: &[String]) -> Result<Self, Failure> {
        if !words.iter().any(|word| word.contains("{url}")) {
            let message = "the command of the client needs {url} where the URL goes: sse check --client -- node client.js {url}";
            return Err(Failure::Other { message: message.into(), code: USAGE });
        }
        Ok(Self { words: words.to_vec() })
    }

    /// The command line, without secrets.
    pub(super) fn shown(&self) -> String {
        self.words.join(" ")
    }

    /// Starts the command on `url`.
    pub(super) fn start(&self, url: &str, prints: bool) -> std::io::Result<Process> {
        let words: Vec<String> = self.words.iter().map(|word| word.replace("{url}", url)).collect();
        let output = if prints { Stdio::piped() } else { Stdio::null() };
        Process::start(&words, Stdio::null(), output)
    }
}

/// A running command. Dropping it ends the command and all processes that it started.
#[derive(Debug)]
pub(crate) struct Process {
    pub(super) child: Child,
}

impl Process {
    fn start(words: &[String], input: Stdio, output: Stdio) -> std::io::Result<Self> {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(input).stdout(output).stderr(Stdio::null()).kill_on_drop(true);
        // A proxy of the environment is not under test.
        command.env("NO_PROXY", "*").env("no_proxy", "*");
        #[cfg(unix)]
        command.process_group(0);
        Ok(Self { child: command.spawn()? })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(pid) = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            // The group may be gone already.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Runs a command with `input` on standard input, and returns what it printed within `patience`.
pub(crate) async fn feed(words: &[String], input: &[u8], patience: Duration) -> std::io::Result<String> {
    let mut process = Process::start(words, Stdio::piped(), Stdio::piped())?;
    let mut stdin = process.child.stdin.take().expect("standard input is a pipe");
    let stdout = process.child.stdout.take().expect("standard output is a pipe");
    let write = async {
        // A parser that gives up closes its input.
        let _ = stdin.write_all(input).await;
        drop(stdin);
    };
    let mut output = Vec::new();
    let mut limited = tokio::io::AsyncReadExt::take(stdout, OUTPUT);
    let read = tokio::io::AsyncReadExt::read_to_end(&mut limited, &mut output);
    let _ = tokio::time::timeout(patience, async { tokio::join!(write, read).1 }).await;
    Ok(String::from_utf8_lossy(&output).into_owned())
}
