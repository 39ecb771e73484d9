//! Query strings and form bodies.

use percent_encoding::percent_decode_str;

/// Decodes `a=b&c=d`; `+` is a space. Pairs without `=` have an empty value.
pub(crate) fn parse(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_once() {
        let expected = [("mv", "/u/a b+c%20"), ("x", ""), ("y", "=1")];
        let expected: Vec<_> = expected.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        assert_eq!(parse("mv=%2Fu%2Fa+b%2Bc%2520&x&y==1"), expected);
    }
}
