//! The program as its users meet it: whole commands against directories, archives and registries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod bad_input;
mod choice;
mod config;
mod crash;
mod create;
mod docs;
mod exec;
mod gc;
mod help;
mod instances;
mod interrupts;
mod login;
mod run;
mod said;
mod screen;
mod scripts;
mod serve;
mod server;
mod support;
mod terminal;
mod units;
