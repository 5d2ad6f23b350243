//! Signals that end the command.

use std::io;
use std::sync::mpsc;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::signals::Signals;

/// Resolves at the first SIGINT (Ctrl-C) or SIGTERM. A second signal ends the process at once with
/// exit code 130, even while it waits for an output that is not read. A separate thread receives
/// the signals, because a server that floods can keep the runtime busy.
///
/// # Errors
///
/// If the signals cannot be handled; a signal then ends the program directly.
pub(crate) fn requested() -> io::Result<oneshot::Receiver<()>> {
    let (sender, receiver) = oneshot::channel();
    let (begun, begins) = mpsc::channel();
    thread::Builder::new().name("signals".into()).spawn(move || {
        let listen = async {
            let mut signals = Signals::new()?;
            let _ = begun.send(Ok(()));
            signals.next().await;
            // The command may have ended already.
            let _ = sender.send(());
            signals.next().await;
            Ok(())
        };
        let runtime = Builder::new_current_thread().enable_all().build();
        match runtime.and_then(|runtime| runtime.block_on(listen)) {
            Ok(()) => std::process::exit(130),
            // Nothing waits for this message later.
            Err(error) => drop(begun.send(Err(error))),
        }
    })?;
    begins.recv().expect("it says either")?;
    Ok(receiver)
}
