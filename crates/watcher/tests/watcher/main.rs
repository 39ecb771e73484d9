//! The watcher on real directories, judged by a scanner that looks only where hints point.

mod idle;
mod limits;
mod moves;
mod portable;
mod random;
mod root;
mod saves;
mod scanner;
mod storms;
