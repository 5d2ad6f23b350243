//! nginx with its module nchan, as Debian packages them (`nginx`, `libnginx-mod-nchan`): one
//! process, because its processes share nothing that would help one topic.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::contenders::KEPT;
use crate::generator::{HttpPublisher, Template};
use crate::load::PATIENCE;

const MODULE: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";

/// The directory of nginx's files. Dropping it removes them.
pub struct Directory(PathBuf);

/// Whether nginx and the module are installed.
pub fn is_installed() -> bool {
    Path::new(MODULE).exists() && Path::new("/usr/sbin/nginx").exists()
}

/// Starts nginx; returns its process, its address, and a publisher that uses `POST`, the only way
/// into nchan without a WebSocket: a burst is one write of pipelined requests.
pub fn start() -> (Child, String, HttpPublisher, Directory) {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("it is bound").to_string()
    };
    let directory = std::env::temp_dir().join(format!("bench-nchan-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory for temporary files");
    std::fs::write(directory.join("nginx.conf"), config(&address)).expect("a file");
    let child = Command::new("/usr/sbin/nginx")
        .arg("-p")
        .arg(&directory)
        .args(["-c", "nginx.conf"])
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let stream = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        TcpStream::connect(&address).ok()
    });
    let stream = stream.expect("nginx listens within two seconds");
    let addresses = vec![stream.peer_addr().expect("it is connected")];
    let template = Template { event: "{data}".into(), burst: None };
    let head = b"POST /publish HTTP/1.1\r\nHost: localhost\r\n".to_vec();
    let publisher = HttpPublisher::new(addresses, head, template, PATIENCE);
    (child, address, publisher, Directory(directory))
}

fn config(address: &str) -> String {
    format!(
        "load_module {MODULE};
daemon off; master_process off; pid nginx.pid; error_log stderr; worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
http {{
    access_log off; tcp_nodelay on; keepalive_requests 1000000000;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    nchan_message_buffer_length {KEPT}; nchan_message_timeout 1h;
    server {{
        listen {address};
        location = / {{ nchan_channel_id t; nchan_subscriber eventsource; nchan_subscriber_first_message newest; }}
        location = /publish {{ nchan_channel_id t; nchan_publisher; }}
    }}
}}
"
    )
}

impl Drop for Directory {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
