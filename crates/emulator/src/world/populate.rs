//! Filling an account with many files at once, for tests of size. No events: a million of them would only be
//! in the way.

use std::convert::Infallible;
use std::sync::Arc;

use super::content::{generate, write_md5};
use super::tree::{Entry, File, Folder, State};
use super::{Facts, World, revision};
use crate::address::Address;
use crate::refusal::Refusal;
use crate::times::Seconds;

impl World {
    /// Makes `files` files of `size` bytes, `per_folder` in each of the folders `d0000000`, `d0000001` … in
    /// `root`.
    pub(crate) fn populate(
        &mut self,
        root: &Address,
        files: u64,
        per_folder: u64,
        size: u64,
        modified: Seconds,
    ) -> Result<(), Refusal> {
        if root.depth() < 2 {
            return Err(Refusal::invalid("only mountpoints and folders can be filled"));
        }
        self.check_way(&root.child("d0000000"))?;
        let per_folder = per_folder.max(1);
        self.make_folders(root);
        for first in (0..files).step_by(usize::try_from(per_folder).unwrap_or(usize::MAX)) {
            let name = format!("d{:07}", first / per_folder);
            let mut folder = Folder::new(&name, self.now());
            for number in first..files.min(first + per_folder) {
                let file = self.generated_file(number, size, modified);
                folder.put(self.key(&file.name), Entry::File(Arc::new(file)));
            }
            self.place(&root.child(&name), Entry::Folder(Arc::new(folder)));
        }
        self.emit("NEW_UPLOAD", root, None);
        Ok(())
    }

    fn generated_file(&mut self, number: u64, size: u64, modified: Seconds) -> File {
        let now = self.now();
        let mut bytes = Vec::new();
        let Ok(()) = generate::<Infallible>(number, size, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        });
        let content = self.add_bytes(bytes.into());
        let facts = Facts { md5: write_md5(content.key.md5), key: content.key, created: modified, modified };
        let mut file = File::new(&format!("f{number:07}"), self.uuid());
        file.push(revision(&facts, now, State::Completed(content)), |_| true);
        file
    }
}
