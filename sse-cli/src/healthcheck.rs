//! `sse healthcheck`: one request, for containers whose image has no other program.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use sse_tokio::reqwest::redirect::Policy;
use sse_tokio::reqwest::{Client, Url};

use crate::failure::{FAILED, Failure};

/// Report whether a server is healthy
///
/// Requests the URL once, without a proxy. Exit code: 0 if the answer is 200, otherwise 1 with the
/// reason on standard error. `sse serve` answers /healthz while its process lives, and /readyz
/// while events can be published.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// URL of the probe
    #[arg(default_value = "http://127.0.0.1:8080/healthz", value_parser = url)]
    url: Url,

    /// Do not verify the TLS certificate, which does not name the address of a container
    #[arg(short = 'k', long)]
    insecure: bool,

    /// Seconds to wait for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err("the URL begins with http:// or https://".to_owned()),
    }
}

/// Requests the URL.
///
/// # Errors
///
/// There is no answer in time, or its status is not 200.
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let builder = Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .timeout(Duration::from_secs(arguments.timeout))
        .tls_danger_accept_invalid_certs(arguments.insecure);
    // Where no certificate is verified, none of an authority has to be installed.
    let needs_authorities = arguments.url.scheme() == "https" && !arguments.insecure;
    let builder = if needs_authorities { builder } else { builder.tls_certs_only([]) };
    let client = builder.build().map_err(|error| Failure::new(FAILED, "cannot start a client", &error))?;
    let response = client.get(arguments.url.clone()).send().await;
    let status =
        response.map_err(|error| Failure::new(FAILED, "not healthy", &error.without_url()))?.status();
    match status.as_u16() {
        200 => Ok(ExitCode::SUCCESS),
        _ => Err(Failure::Other {
            message: format!("not healthy: the server answered {status}"),
            code: FAILED,
        }),
    }
}
