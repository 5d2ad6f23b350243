//! The methods of a builder that set the request and the protocol's `Config`.

/// The methods that the builders of all adapters share, for an `impl` of a struct with the fields
/// `request: Draft` and `config: Config`.
///
/// A macro, because the methods are inherent: a user imports no trait, and finds the methods in the
/// documentation of the builder. The crate of the builder has a feature `serde`, which enables the
/// feature of that name here and the dependency `serde`.
#[macro_export]
macro_rules! request_setters {
    () => {
        /// Sets the method; `GET` unless set.
        ///
        /// Where [`Config::repeat`] is not set, a request whose method is not idempotent (`POST`,
        /// `PATCH`) is sent only once, and the source ends with its response.
        pub fn method(mut self, method: $crate::http::Method) -> Self {
            self.request = self.request.method(method);
            self
        }

        /// Adds a header.
        pub fn header<N, V>(mut self, name: N, value: V) -> Self
        where
            N: TryInto<$crate::http::HeaderName, Error: Into<$crate::http::Error>>,
            V: TryInto<$crate::http::HeaderValue, Error: Into<$crate::http::Error>>,
        {
            self.request = self.request.header(name, value);
            self
        }

        /// Sends `Authorization: Bearer <token>`, in place of credentials that were set before.
        pub fn bearer_auth(mut self, token: impl ::std::fmt::Display) -> Self {
            self.request = self.request.bearer_auth(token);
            self
        }

        /// Adds headers, which replace those with the same names.
        pub fn headers(mut self, headers: $crate::http::HeaderMap) -> Self {
            self.request = self.request.headers(headers);
            self
        }

        /// Sets the body to a value as JSON, and `Content-Type: application/json` unless that
        /// header is set. The body is sent with every attempt.
        #[cfg(feature = "serde")]
        pub fn json(mut self, body: &(impl ::serde::Serialize + ?Sized)) -> Self {
            self.request = self.request.json(body);
            self
        }

        /// Sets the protocol's [`Config`]: reconnection, accepted responses, timeouts, limits, and
        /// the first last event ID.
        pub fn config(mut self, config: $crate::proto::Config) -> Self {
            self.config = config;
            self
        }

        /// Allows this header of the request to be sent to another origin after a redirect. No
        /// header of the user is, unless named here.
        pub fn forward_header(mut self, name: $crate::http::HeaderName) -> Self {
            self.request = self.request.forward_header(name);
            self
        }

        /// Sends the last event ID in this query parameter too: for servers that read it there, and
        /// for IDs that a header cannot carry. It replaces a parameter of that name in the URL.
        pub fn last_event_id_parameter(mut self, name: impl Into<String>) -> Self {
            self.request = self.request.last_event_id_parameter(name.into());
            self
        }
    };
}
