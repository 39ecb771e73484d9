//! What is jottad's own and lies inside a folder: it is left out of it.

use std::path::Path;

use super::overlap::resolve;
use crate::places::Places;

/// Rules that keep jottad's state and its config file out of a folder, as far as they lie inside it.
pub(super) fn rules(local: &Path, places: &Places) -> Vec<String> {
    let root = resolve(local);
    let own = [(&places.state_dir, "/"), (&places.config_file, "")];
    own.into_iter()
        .filter_map(|(path, ending)| {
            let path = resolve(path);
            let inside = path.strip_prefix(&root).ok()?.to_str()?;
            (!inside.is_empty()).then(|| format!("/{}{ending}", literal(inside)))
        })
        .collect()
}

/// A path as a rule that means exactly this path.
fn literal(path: &str) -> String {
    let mut rule = String::with_capacity(path.len());
    for character in path.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\' | '!' | '#' | ' ') {
            rule.push('\\');
        }
        rule.push(character);
    }
    rule
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_inside_is_named_exactly() {
        let places = Places {
            home: "/home/kari".into(),
            config_file: "/home/kari/.config/jottad/config.toml".into(),
            state_dir: "/home/kari/Library/Application Support/jottad[1]".into(),
        };
        let of = |local: &str| rules(Path::new(local), &places);
        assert_eq!(
            of("/home/kari"),
            ["/Library/Application\\ Support/jottad\\[1\\]/", "/.config/jottad/config.toml"]
        );
        assert_eq!(of("/home/kari/.config"), ["/jottad/config.toml"]);
        assert!(of("/home/kari/Documents").is_empty() && of("/home/kari2").is_empty());
        let rules = of("/home/kari");
        assert!(jottad_engine::check_ignore_rules(&rules).is_ok());
    }
}
