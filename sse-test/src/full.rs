//! A listener that drops every attempt to connect, as a firewall does.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A listener whose queue is full: Linux drops further SYNs, so a connect gets no answer at all.
#[derive(Debug)]
pub struct Full {
    listener: Socket,
    _queued: Vec<Socket>,
}

impl Full {
    /// Creates the listener on a loopback port and fills its queue; no connection is accepted.
    pub fn listen() -> Self {
        let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let listener = socket();
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let queued = (0..4).map(|_| {
            let socket = socket();
            socket.set_nonblocking(true).unwrap();
            // Under way, or dropped: in both cases the queue is full after it.
            let _ = socket.connect(&address);
            socket
        });
        let queued = queued.collect();
        Self { listener, _queued: queued }
    }

    /// The URL of the server with this path.
    pub fn url(&self, path: &str) -> String {
        let address = self.listener.local_addr().unwrap().as_socket().unwrap();
        format!("http://{address}{path}")
    }
}
