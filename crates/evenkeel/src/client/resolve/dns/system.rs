//! The system's own settings: /etc/resolv.conf and /etc/hosts.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use evenkeel_core::resolve::{ResolvConf, addresses_in_hosts};

use super::DNS_PORT;

/// Where the system's settings are. Not settable from outside: tests bring their own.
#[derive(Clone, Debug)]
pub(super) struct System {
    pub(super) resolv_conf: PathBuf,
    pub(super) hosts: PathBuf,
    /// resolv.conf cannot say it.
    pub(super) dns_port: u16,
}

/// Whom to ask, for which names, how patiently.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) servers: Vec<SocketAddr>,
    pub(super) conf: ResolvConf,
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum SettingsError {
    #[error("{path} cannot be read: {source}", path = path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} names no server", path = path.display())]
    NoServer { path: PathBuf },
}

impl Default for System {
    fn default() -> Self {
        Self { resolv_conf: "/etc/resolv.conf".into(), hosts: "/etc/hosts".into(), dns_port: DNS_PORT }
    }
}

impl System {
    /// Reads resolv.conf. Both files are read for each lookup: they are small, change rarely but do, and a lookup
    /// happens once a second at most, so neither a watch nor a comparison of times would pay.
    ///
    /// With a server named by the target, the file still says search list, dots and patience, and may be missing.
    pub(super) fn settings(&self, server: Option<SocketAddr>) -> Result<Settings, SettingsError> {
        let unreadable = |source| SettingsError::Unreadable { path: self.resolv_conf.clone(), source };
        let conf = match std::fs::read_to_string(&self.resolv_conf) {
            Ok(text) => ResolvConf::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound && server.is_some() => {
                ResolvConf::default()
            }
            Err(error) => return Err(unreadable(error)),
        };
        let servers: Vec<SocketAddr> = match server {
            Some(server) => vec![server],
            None => conf.servers.iter().map(|ip| SocketAddr::new(*ip, self.dns_port)).collect(),
        };
        if servers.is_empty() {
            return Err(SettingsError::NoServer { path: self.resolv_conf.clone() });
        }
        Ok(Settings { servers, conf })
    }

    /// What the hosts file says about `host` (a pod's `hostAliases` stand there); nothing when it cannot be read.
    pub(super) fn hosts(&self, host: &str) -> Vec<IpAddr> {
        std::fs::read_to_string(&self.hosts).map(|text| addresses_in_hosts(&text, host)).unwrap_or_default()
    }
}
