//! `jottad plan`: what would be done now.

use clap::Args;

use crate::commands::problems::describe_left_out;
use crate::config::units::format_size;
use crate::documents::{OperationDocument, PlanDocument};
use crate::exchange::{self, query_value};
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Columns, Escaped};

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// Only this folder
    name: Option<String>,
    /// At most so many operations of each folder
    #[arg(long, default_value_t = 1000)]
    limit: u32,
}

/// Asks the daemon and prints.
pub(crate) fn run(arguments: &PlanArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    invocation.config_with(arguments.name.as_deref())?;
    invocation.wait(async {
        let mut path = format!("/v1/plan?limit={}", arguments.limit);
        if let Some(name) = &arguments.name {
            path = format!("{path}&folder={}", query_value(name.as_bytes()));
        }
        let plan: PlanDocument = exchange::get(&invocation.places, &path).await?;
        invocation.output.either(&plan, || {
            for folder in &plan.folders {
                describe(&folder.name, &folder.operations, invocation)?;
            }
            describe_left_out(&plan.left_out, invocation)
        })?;
        Ok(Exit::Done)
    })
}

fn describe(name: &str, operations: &[OperationDocument], invocation: &Invocation) -> Result<(), Failure> {
    let output = invocation.output;
    if operations.is_empty() {
        return output.line(format_args!("{}: nothing to do", Escaped(name)));
    }
    output.line(format_args!("{}:", Escaped(name)))?;
    let mut columns = Columns::default();
    for operation in operations {
        let what = match &operation.to {
            Some(to) => format!("{} → {to}", operation.path),
            None => operation.path.clone(),
        };
        let size = operation.bytes.map(format_size).unwrap_or_default();
        columns.push([String::new(), operation.kind.replace('_', " "), what, size, operation.why.clone()]);
    }
    columns.lines().try_for_each(|line| output.line(line))
}
