use model::Group;

use super::Columns;
use crate::Result;

pub(crate) fn group(row: &impl Columns) -> Result<Group> {
    Ok(Group {
        id: row.parsed("id")?,
        name: row.parsed("name")?,
        account: row.parsed("account")?,
        spec: row.json("spec")?,
        status: row.json("status")?,
        revision: row.unsigned("revision")?,
        created: row.time("created")?,
        updated: row.time("updated")?,
        notes: row.optional_json("notes")?,
    })
}
