//! The system's own settings: /etc/resolv.conf, /etc/hosts, and the environment.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::path::{Path, PathBuf};

use evenkeel_core::resolve::{Environment, NameServer, ResolvConf, addresses_in_hosts};

use super::DNS_PORT;

/// Where the system's settings are. Not settable from outside: tests bring their own.
#[derive(Clone, Debug)]
pub(super) struct System {
    pub(super) resolv_conf: PathBuf,
    pub(super) hosts: PathBuf,
    pub(super) environment: Environment,
    /// resolv.conf cannot say it.
    pub(super) dns_port: u16,
}

/// Whom to ask, for which names, how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) servers: Vec<SocketAddr>,
    pub(super) conf: ResolvConf,
    /// What a reader has to know who wonders about the servers.
    pub(super) note: Option<String>,
    /// What should be said once.
    pub(super) warnings: Vec<String>,
}

impl Default for System {
    fn default() -> Self {
        let variable = |name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let environment = Environment {
            res_options: variable("RES_OPTIONS"),
            local_domain: variable("LOCALDOMAIN"),
            host_name: read(Path::new("/proc/sys/kernel/hostname")).ok().map(into_text),
        };
        Self {
            resolv_conf: "/etc/resolv.conf".into(),
            hosts: "/etc/hosts".into(),
            environment,
            dns_port: DNS_PORT,
        }
    }
}

impl System {
    /// Reads resolv.conf. Both files are read for each lookup: they are small, change rarely but do, and a lookup
    /// happens once a second at most, so neither a watch nor a comparison of times would pay.
    ///
    /// A file that is missing, cannot be read or names no server means this host, as it does for the C library. With a
    /// server named by the target, the file still says search list, dots and patience.
    pub(super) fn settings(&self, server: Option<SocketAddr>) -> Settings {
        let path = self.resolv_conf.display();
        let mut warnings = Vec::new();
        let (bytes, fault) = match read(&self.resolv_conf) {
            Ok(bytes) => (bytes, format!("{path} names no server")),
            Err(error) => {
                let fault = format!("{path} cannot be read: {error}");
                if error.kind() != io::ErrorKind::NotFound {
                    warnings.push(fault.clone());
                }
                (Vec::new(), fault)
            }
        };
        let conf = ResolvConf::parse(&bytes, &self.environment);
        if let Some(server) = server {
            return Settings { servers: vec![server], conf, note: None, warnings };
        }
        let mut servers = Vec::new();
        for named in &conf.servers {
            match self.address(named) {
                Some(address) => servers.push(address),
                None => warnings.push(format!(
                    "{path}: the name server {}%{} is left out: there is no such network interface",
                    named.ip,
                    named.zone.as_deref().unwrap_or_default()
                )),
            }
        }
        let mut note = None;
        if servers.is_empty() {
            let this_host = SocketAddr::from((Ipv4Addr::LOCALHOST, self.dns_port));
            let text = format!("{fault}, so this host was asked, {this_host}");
            warnings.push(text.clone());
            (servers, note) = (vec![this_host], Some(text));
        }
        Settings { servers, conf, note, warnings }
    }

    /// What the hosts file says about `host` (a pod's `hostAliases` stand there), and a warning if it cannot be read.
    pub(super) fn hosts(&self, host: &str) -> (Vec<IpAddr>, Option<String>) {
        match read(&self.hosts) {
            Ok(bytes) => (addresses_in_hosts(&bytes, host), None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), None),
            Err(error) => {
                let path = self.hosts.display();
                (Vec::new(), Some(format!("{path} cannot be read, so what it says is not known: {error}")))
            }
        }
    }

    fn address(&self, server: &NameServer) -> Option<SocketAddr> {
        match (server.ip, &server.zone) {
            (IpAddr::V6(ip), Some(zone)) => {
                Some(SocketAddrV6::new(ip, self.dns_port, 0, interface_number(zone)?).into())
            }
            (ip, _) => Some(SocketAddr::new(ip, self.dns_port)),
        }
    }
}

/// A zone's number: itself, or that of the network interface of this name.
fn interface_number(zone: &str) -> Option<u32> {
    if let Ok(number) = zone.parse() {
        return Some(number);
    }
    let is_name = !zone.starts_with('.') && !zone.contains('/');
    let text = is_name.then(|| read(&Path::new("/sys/class/net").join(zone).join("ifindex")).ok())??;
    into_text(text).trim().parse().ok()
}

/// Not as text: a byte that is not UTF-8 must not make the whole file vanish. An empty path is a file that is missing.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path.as_os_str().is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    std::fs::read(path)
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}
