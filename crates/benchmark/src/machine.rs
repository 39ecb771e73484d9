//! The machine that was measured on, in a line: numbers without it say nothing.

use std::fs;

/// System, processor, cores, memory.
pub(crate) fn describe() -> String {
    let name = rustix::system::uname();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut parts = vec![
        format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy()),
        name.machine().to_string_lossy().into_owned(),
    ];
    let processor = fs::read_to_string("/proc/cpuinfo").ok();
    parts.extend(processor.as_deref().and_then(|text| field(text, "model name")).map(str::to_owned));
    parts.push(format!("{cores} cores"));
    let memory = fs::read_to_string("/proc/meminfo").ok();
    let memory = memory.as_deref().and_then(|text| field(text, "MemTotal")).and_then(gibibytes);
    parts.extend(memory.map(|memory| format!("{memory:.0} GiB")));
    parts.join(", ")
}

/// The first value of a key in `key : value` lines.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}

fn gibibytes(value: &str) -> Option<f64> {
    let kibibytes: f64 = value.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: Another\n";
        assert_eq!(field(text, "model name"), Some("Some CPU @ 2 GHz"));
        assert_eq!(field(text, "flags"), None);
        assert_eq!(gibibytes("8388608 kB"), Some(8.0));
        assert_eq!(gibibytes("much"), None);
    }
}
