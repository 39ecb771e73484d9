//! `cargo fuzz` on [`jottad_fuzz::login_token`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| jottad_fuzz::login_token(bytes));
