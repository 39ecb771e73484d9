//! The `.jottaignore` files of the simulated people, and what they mean, told without the engine's help.

use jottad_core::{Name, RelativePath};

use crate::disk_tree::Body;
use crate::text::Text;
use crate::world::World;

/// What such a file is called.
const NAME: &str = ".jottaignore";

/// One line.
struct Line {
    text: &'static str,
    /// `*` for every name.
    name: &'static str,
    negated: bool,
    only_directories: bool,
    only_here: bool,
}

const fn line(text: &'static str, name: &'static str) -> Line {
    Line { text, name, negated: false, only_directories: false, only_here: false }
}

/// The files that people write.
const FILES: [&[Line]; 6] = [
    &[line("b", "b")],
    &[Line { only_directories: true, ..line("e/", "e") }],
    &[line("e", "e"), line("b", "b")],
    &[Line { negated: true, ..line("!b", "b") }],
    &[line("*", "*"), Line { negated: true, ..line("!b", "b") }],
    &[Line { only_here: true, ..line("/b", "b") }],
];

/// How many different files there are.
pub(crate) const COUNT: u8 = 6;

/// What the file with this number holds.
pub(crate) fn text(number: u8) -> Text {
    let lines = FILES[usize::from(number) % FILES.len()];
    Text::of(lines.iter().flat_map(|line| [line.text, "\n"]).collect::<String>().into_bytes())
}

impl World {
    /// Whether the rules that are here now keep an entry, or a directory that it is in, out of it all.
    pub(crate) fn is_ignored(&self, path: &RelativePath, is_directory: bool) -> bool {
        let mut here = RelativePath::root();
        path.components().any(|component| {
            let Ok(name) = Name::new(component) else { return false };
            here = here.join(&name);
            self.is_ignored_itself(&here, is_directory || here != *path)
        })
    }

    fn is_ignored_itself(&self, path: &RelativePath, is_directory: bool) -> bool {
        let Some(name) = path.name() else { return false };
        let mut directory = path.parent();
        let mut is_here = true;
        while let Some(above) = directory {
            let matching = self.lines_in(&above).iter().rev().find(|line| {
                (line.name == "*" || line.name.as_bytes() == name.as_bytes())
                    && (is_directory || !line.only_directories)
                    && (is_here || !line.only_here)
            });
            if let Some(line) = matching {
                return !line.negated;
            }
            directory = above.parent();
            is_here = false;
        }
        false
    }

    fn lines_in(&self, directory: &RelativePath) -> &'static [Line] {
        let Ok(name) = Name::new(NAME.as_bytes()) else { return &[] };
        let found = self.disk.find(&directory.join(&name));
        let Some(Body::File(there)) = found.map(|serial| &self.disk.inode(serial).body) else { return &[] };
        (0..COUNT).find(|number| text(*number) == *there).map_or(&[], |number| FILES[usize::from(number)])
    }
}
