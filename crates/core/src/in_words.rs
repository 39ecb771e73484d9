//! What the system says went wrong, for people.

use std::fmt::Display;

/// How the standard library ends what the system says: with a number that tells a person nothing.
const NUMBER: &str = " (os error ";

/// The text of an error without the numbers of the system's own errors, however deep they are in it.
pub fn in_words(error: impl Display) -> String {
    let text = error.to_string();
    let mut words = String::new();
    let mut rest = text.as_str();
    while let Some((before, numbered)) = rest.split_once(NUMBER) {
        let number = numbered.find(|character: char| !character.is_ascii_digit() && character != '-');
        words.push_str(before);
        rest = match number {
            Some(end) if end > 0 && numbered[end..].starts_with(')') => &numbered[end + 1..],
            // It is somebody else's text.
            _ => {
                words.push_str(NUMBER);
                numbered
            }
        };
    }
    words.push_str(rest);
    words
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn numbers_of_the_system_are_left_out_and_nothing_else_is() {
        for (text, words) in [
            ("No such file or directory (os error 2)", "No such file or directory"),
            ("a: denied (os error 13); b: full (os error 28)!", "a: denied; b: full!"),
            ("odd (os error -7)", "odd"),
            ("a file (os error x)", "a file (os error x)"),
            ("cut off (os error 2", "cut off (os error 2"),
            ("(os error )", "(os error )"),
            ("none (os error )", "none (os error )"),
            ("odd (os error 2x)", "odd (os error 2x)"),
            ("fine", "fine"),
        ] {
            assert_eq!(in_words(text), words);
        }
        for number in 1..200 {
            let error = io::Error::from_raw_os_error(number);
            let (text, words) = (error.to_string(), in_words(&error));
            assert_eq!(text, format!("{words} (os error {number})"));
        }
    }
}
