//! The warning that calls will not be balanced.

use evenkeel_core::resolve::Known;

/// Warns once when a name has a single address, and again only after it had several.
#[derive(Debug, Default)]
pub(super) struct SingleAddressWarning {
    is_given: bool,
}

impl SingleAddressWarning {
    pub(super) fn on_found(&mut self, host: &str, known: &Known) {
        if !known.is_single() {
            self.is_given = false;
        } else if !std::mem::replace(&mut self.is_given, true) {
            let addresses: Vec<_> = known.addresses().iter().map(ToString::to_string).collect();
            tracing::warn!(
                host,
                addresses = addresses.join(", "),
                "the name resolves to a single address: if it is that of a Kubernetes ClusterIP Service, all calls \
                 stick to one pod; use a headless Service (clusterIP: None), whose name resolves to every pod"
            );
        }
    }
}
