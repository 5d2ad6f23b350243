//! Drives a connection to its end.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulConnection;
use tokio::time::{Instant, sleep_until, timeout};

use super::activity::{Activity, Verdict, Watch};
use super::{Limits, PATIENCE};

/// How long an idle connection has for its end when others wait for its place.
const HASTE: Duration = Duration::from_secs(1);

/// Drives a connection until it ends, is idle or stuck, or the server has shut it down.
pub(super) async fn follow(
    mut connection: Pin<Box<impl GracefulConnection>>,
    activity: Arc<Activity>,
    limits: Arc<Limits>,
) {
    let mut closing = limits.closing.clone();
    let mut shut_down = false;
    let mut watch = Watch::new();
    loop {
        let tick = sleep_until(Instant::now() + limits.idle.min(PATIENCE));
        tokio::select! {
            _ = connection.as_mut() => return,
            () = async { drop(closing.wait_for(|closing| *closing).await) }, if !shut_down => {
                shut_down = true;
                connection.as_mut().graceful_shutdown();
            }
            () = tick, if !shut_down => {
                let crowded = limits.places.available_permits() == 0;
                let (idle, grace) = if crowded { (PATIENCE, HASTE) } else { (limits.idle, PATIENCE) };
                match watch.look(&activity, idle) {
                    Verdict::Healthy => {}
                    Verdict::Stuck => return,
                    Verdict::Idle => {
                        connection.as_mut().graceful_shutdown();
                        // A request that crosses the GOAWAY is still answered.
                        let _ = timeout(grace, connection.as_mut()).await;
                        return;
                    }
                }
            }
        }
    }
}
