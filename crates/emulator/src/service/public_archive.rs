//! A zip archive without compression, as a shared folder is downloaded.

/// An archive in the making, in memory.
#[derive(Default)]
pub(crate) struct Archive {
    out: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
}

impl Archive {
    pub(crate) fn add(&mut self, name: &str, content: &[u8]) {
        let offset = field(self.out.len());
        let mut facts = Vec::with_capacity(26);
        // Version 2.0, UTF-8 names, stored, 1980-01-01.
        facts.extend_from_slice(&[20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0]);
        facts.extend_from_slice(&checksum(content).to_le_bytes());
        facts.extend_from_slice(&field(content.len()));
        facts.extend_from_slice(&field(content.len()));
        facts.extend_from_slice(&field(name.len())[..2]);
        facts.extend_from_slice(&[0, 0]);
        self.out.extend_from_slice(b"PK\x03\x04");
        self.out.extend_from_slice(&facts);
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(content);
        self.directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        self.directory.extend_from_slice(&facts);
        self.directory.extend_from_slice(&[0; 10]);
        self.directory.extend_from_slice(&offset);
        self.directory.extend_from_slice(name.as_bytes());
        self.entries = self.entries.saturating_add(1);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let offset = field(self.out.len());
        self.out.extend_from_slice(&self.directory);
        self.out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        self.out.extend_from_slice(&self.entries.to_le_bytes());
        self.out.extend_from_slice(&self.entries.to_le_bytes());
        self.out.extend_from_slice(&field(self.directory.len()));
        self.out.extend_from_slice(&offset);
        self.out.extend_from_slice(&[0, 0]);
        self.out
    }
}

/// A length as the four bytes that the format has for it.
fn field(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

/// CRC-32 as zip has it.
fn checksum(content: &[u8]) -> u32 {
    !content.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| {
                if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
    }
}
