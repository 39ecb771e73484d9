//! Which folders that were held are right by now. Nobody has asked for the config to be followed, so nothing
//! else of it is.

use super::{Config, Folder};

impl Config {
    /// This config with those of its held folders that run by what the file says now; `None` if the file says
    /// anything else than before of another folder or of what concerns them all, or if nothing has changed.
    pub(crate) fn with_recovered(&self, found: &Self) -> Option<Self> {
        let is_known = |folder: &Folder| {
            self.folders.contains(folder) || self.wrong.iter().any(|wrong| wrong.name == folder.name)
        };
        let is_same_for_all =
            (&self.service, &self.transfer, &self.guard) == (&found.service, &found.transfer, &found.guard);
        let runs_all = self.folders.iter().all(|folder| found.folders.contains(folder));
        let has_all_names = self.names().count() == found.names().count()
            && self.names().all(|name| found.names().any(|other| other == name));
        let is_fit = is_same_for_all && runs_all && has_all_names && found.folders.iter().all(is_known);
        (is_fit && self != found).then(|| found.clone())
    }
}
