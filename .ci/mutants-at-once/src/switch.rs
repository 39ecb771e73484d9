
/// Whether a mutant is the one that is on. Each that is asked after is noted, if that is wanted.
#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::unwrap_used)]
fn mutant(number: u32) -> bool {
    use std::sync::atomic::{AtomicBool, Ordering};
    static REACHED: [AtomicBool; 20_000] = [const { AtomicBool::new(false) }; 20_000];
    static ON: std::sync::LazyLock<(u32, Option<String>)> = std::sync::LazyLock::new(|| {
        let on = std::env::var("MUTANT").ok().and_then(|number| number.parse().ok());
        (on.unwrap_or(u32::MAX), std::env::var("MUTANTS_REACHED").ok())
    });
    if let Some(file) = &ON.1
        && !REACHED[number as usize].swap(true, Ordering::Relaxed)
    {
        use std::io::Write as _;
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
        file.write_all(format!("{number}\n").as_bytes()).unwrap();
    }
    ON.0 == number
}
