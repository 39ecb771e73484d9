//! `cargo fuzz` on [`jottad_fuzz::config`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| jottad_fuzz::config(bytes));
