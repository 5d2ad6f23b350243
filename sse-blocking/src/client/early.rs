//! Support for responses that arrive before a large request body is sent.

use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};
use ureq::{Agent, Error, Timeout};

/// An agent for a request that has `Expect: 100-continue` (RFC 9110, 10.1.1).
///
/// ureq reads an early answer while it waits for the 100, but then waits for more input before it
/// parses that answer: a server that keeps the connection open would cause a timeout. The
/// connections of this agent therefore report that input is available.
pub(super) fn agent(config: ureq::config::Config) -> Agent {
    Agent::with_parts(config, DefaultConnector::default().chain(Early), DefaultResolver::default())
}

#[derive(Debug)]
struct Early;

/// A connection that reports unread input to the next step of a request, even if an earlier step
/// read it from the socket.
#[derive(Debug)]
struct Seen<T> {
    inner: T,
    /// The last step that waited for input.
    step: Option<Timeout>,
}

impl<In: Transport> Connector<In> for Early {
    type Out = Seen<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| Seen { inner, step: None }))
    }
}

impl<T: Transport> Transport for Seen<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let before = self.step.replace(timeout.reason);
        if before == Some(Timeout::Await100)
            && timeout.reason != Timeout::Await100
            && !self.inner.buffers().input().is_empty()
        {
            return Ok(true);
        }
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
