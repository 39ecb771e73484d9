//! Words of commands that people are shown: what a shell takes as it is meant.

use std::fmt::Display;

/// A name or path as one word of a command. Plain text stays as it is, anything else is quoted.
pub fn shell_word(text: impl Display) -> String {
    // A NUL byte stands in no name and in no command.
    let text = text.to_string().replace('\0', "");
    shlex::try_quote(&text).map_or_else(|_| text.clone(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_stay_as_they_are_and_others_are_quoted() {
        for (name, word) in [
            ("docs", "docs"),
            ("Jotta/Archive/docs_2-a.b", "Jotta/Archive/docs_2-a.b"),
            ("my docs", "'my docs'"),
            ("it's", "\"it's\""),
            ("a;b", "'a;b'"),
            ("$HOME", "'$HOME'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(name), word, "{name:?}");
        }
    }
}
