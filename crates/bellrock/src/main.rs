//! The one binary: `bellrock serve`, `bellrock config print`.
//!
//! Reads the command line and the configuration, wires the crates together,
//! starts them and takes them down in order. Nothing here knows how anything
//! works; it knows what is connected to what.

mod ask;
mod backfill;
mod check;
mod check_config;
mod cli;
mod collect;
mod config;
mod data_dir;
mod export;
mod remote;
mod rules;
mod serve;
mod start_pages;
mod storage;

use std::process::ExitCode;

use clap::Parser as _;

/// The allocator: telemetry makes many short-lived buffers on all threads, where glibc's
/// arenas contend and fragment. Huge pages are off (`no_thp`): each is cleared as a whole when its first byte is touched, which costs more
/// than it gives where most memory lives for a second.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            #[expect(clippy::print_stderr, reason = "the last word of a program that could not start")]
            {
                eprintln!("bellrock: {e:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: cli::Cli) -> anyhow::Result<()> {
    match cli.command {
        cli::Command::Serve(args) => {
            let loaded = config::load(&args)?;
            serve::run(loaded, args)
        }
        cli::Command::Collect(args) => collect::run(config::load_collect(&args)?, &args),
        cli::Command::Check(args) => {
            let (text, passed) = check::run(&args);
            say(&text);
            anyhow::ensure!(passed, "the configuration does not pass");
            Ok(())
        }
        cli::Command::Query(args) => {
            let said = ask::run(&args)?;
            say(&said.found);
            remark(&said.remarks);
            Ok(())
        }
        cli::Command::Export(args) => {
            let serve = cli::ServeArgs {
                config: args.config.iter().map(|path| path.display().to_string()).collect(),
                data_dir: args.data_dir.clone(),
                ..cli::ServeArgs::default()
            };
            say(&export::export(&args, &config::load(&serve)?.config)?);
            Ok(())
        }
        cli::Command::Import(args) => {
            say(&export::import(&args)?);
            Ok(())
        }
        cli::Command::Backfill(args) => {
            let serve = cli::ServeArgs {
                config: args.config.iter().map(|path| path.display().to_string()).collect(),
                data_dir: args.data_dir.clone(),
                ..cli::ServeArgs::default()
            };
            say(&backfill::run(&args, &config::load(&serve)?.config)?);
            Ok(())
        }
        cli::Command::Storage(args) => {
            let serve = cli::ServeArgs {
                config: args.config.iter().map(|path| path.display().to_string()).collect(),
                data_dir: args.data_dir.clone(),
                ..cli::ServeArgs::default()
            };
            say(&storage::run(&args, &config::load(&serve)?.config)?);
            Ok(())
        }
        cli::Command::Rules { command } => {
            let (text, passed) = match &command {
                cli::RulesCommand::Check { files } => rules::check(files),
                cli::RulesCommand::Test { files } => rules::test(files),
            };
            say(&text);
            anyhow::ensure!(passed, "not all files pass");
            Ok(())
        }
        cli::Command::CheckConfig(args) => {
            let (text, usable) = check_config::run(&args)?;
            say(&text);
            if usable { Ok(()) } else { anyhow::bail!("a file cannot be used") }
        }
        cli::Command::Config { command: cli::ConfigCommand::Print(args) } => {
            say(&config::load(&args)?.yaml);
            Ok(())
        }
    }
}

#[expect(clippy::print_stderr, reason = "what is to be known of the output, and is no part of it")]
fn remark(text: &str) {
    eprint!("{text}");
}

#[expect(clippy::print_stdout, reason = "the output that was asked for")]
fn say(text: &str) {
    print!("{text}");
}
