//! Arguments about accounts, and about the access keys that sign requests to the clouds' interfaces.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use model::AccountId;

use super::{OnceArgs, whole};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc account create shop
  imc account list")]
pub(crate) struct AccountArgs {
    #[command(subcommand)]
    pub(crate) action: AccountAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountAction {
    /// Make an account, so that access keys can be made for it
    #[command(after_help = "\
Examples:
  imc account create shop
  imc account create shop --label 'the web shop'
  imc access-key create --account shop

The account `local` is always there. No account sees, matches or uses another's caches.")]
    Create(AccountCreateArgs),
    /// List the accounts
    #[command(after_help = "\
Examples:
  imc account list
  imc account list -o json")]
    List,
}

#[derive(Debug, Args)]
pub(crate) struct AccountCreateArgs {
    /// Its name: a-z, 0-9, `-` and `_`
    #[arg(value_name = "NAME", value_parser = whole::<AccountId>)]
    pub(crate) id: AccountId,
    /// What it is for, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) label: String,
    #[command(flatten)]
    pub(crate) once: OnceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc access-key create --account shop
  imc access-key list
  imc access-key disable LTAI5tExampleExampleXY01")]
pub(crate) struct AccessKeyArgs {
    #[command(subcommand)]
    pub(crate) action: AccessKeyAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccessKeyAction {
    /// Make an access key; its secret is printed this once
    Create(AccessKeyCreateArgs),
    /// List the access keys; their secrets are not among it
    #[command(after_help = "\
Examples:
  imc access-key list
  imc access-key list --account shop
  imc access-key list --all -o json")]
    List(AccessKeyListArgs),
    /// Disable access keys: what they sign is refused
    #[command(after_help = "\
Examples:
  imc access-key disable LTAI5tExampleExampleXY01")]
    Disable(AccessKeyIdArgs),
    /// Enable access keys again
    #[command(after_help = "\
Examples:
  imc access-key enable LTAI5tExampleExampleXY01")]
    Enable(AccessKeyIdArgs),
    /// Delete access keys
    #[command(after_help = "\
Examples:
  imc access-key delete LTAI5tExampleExampleXY01")]
    Delete(AccessKeyIdArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imc access-key create
  imc access-key create --account shop --read-only --label dashboards
  imc access-key create --account shop --policy policy.json -o json

A program signs with it as with an access key of Alibaba Cloud, or a SecretId and SecretKey of Tencent Cloud. A policy is \
a document as RAM has them, of version 1:
  {\"Version\": \"1\", \"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"eci:Describe*\",
    \"Resource\": \"acs:eci:*:*:imagecache/*\", \"Condition\": {\"StringEquals\": {\"eci:tag/team\": \"shop\"}}}]}")]
pub(crate) struct AccessKeyCreateArgs {
    /// What it is for, for people
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) label: String,
    /// It may do everything; so it is where nothing is said
    #[arg(long, conflicts_with_all = ["read_only", "policy"])]
    pub(crate) full: bool,
    /// It may look at everything and change nothing
    #[arg(long, conflicts_with = "policy")]
    pub(crate) read_only: bool,
    /// It may do what the policy in that file says
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) once: OnceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AccessKeyListArgs {
    /// Those of all accounts, not of one alone
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AccessKeyIdArgs {
    /// Ids of access keys
    #[arg(required = true, value_name = "ID")]
    pub(crate) keys: Vec<String>,
    #[command(flatten)]
    pub(crate) once: OnceArgs,
}
