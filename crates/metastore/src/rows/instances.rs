use model::Instance;

use super::Columns;
use crate::Result;

pub(crate) fn instance(row: &impl Columns) -> Result<Instance> {
    Ok(Instance {
        id: row.parsed("id")?,
        name: row.parsed("name")?,
        account: row.parsed("account")?,
        image: row.parsed("image")?,
        manifest_digest: row.parsed("manifest_digest")?,
        snapshot: row.parsed("snapshot")?,
        cache: row.optional_parsed("cache")?,
        group: row.optional_parsed("in_group")?,
        command: row.json("command")?,
        state: row.json("state")?,
        pid: row.optional_unsigned("pid")?,
        remove_on_exit: row.flag("remove_on_exit")?,
        created: row.time("created")?,
        started: row.optional_time("started")?,
        finished: row.optional_time("finished")?,
    })
}
