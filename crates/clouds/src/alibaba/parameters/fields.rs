//! Typed reading of parameters; what does not fit is refused by its whole name.

use std::ops::RangeInclusive;
use std::str::FromStr;

use super::Tree;
use crate::alibaba::error::{ErrorCode, Refusal};

/// The parameters below one name, `Container.1.` or nothing.
///
/// An empty value is as none, as the clouds' SDKs drop what is not set; where the difference matters there is
/// [`Fields::blank_or`].
#[derive(Clone)]
pub(in crate::alibaba) struct Fields<'a> {
    tree: &'a Tree,
    path: String,
}

impl<'a> Fields<'a> {
    /// All parameters of a call.
    pub(in crate::alibaba) fn of(tree: &'a Tree) -> Self {
        Self { tree, path: String::new() }
    }

    /// The whole name of a part.
    pub(in crate::alibaba) fn name(&self, part: &str) -> String {
        format!("{}{part}", self.path)
    }

    /// That this part is malformed.
    pub(in crate::alibaba) fn invalid(&self, part: &str) -> Refusal {
        Refusal::invalid(&self.name(part))
    }

    /// That this part must be there.
    pub(in crate::alibaba) fn missing(&self, part: &str) -> Refusal {
        Refusal::missing(&self.name(part))
    }

    /// That this part has more characters or members than that.
    pub(in crate::alibaba) fn too_long(&self, part: &str, most: usize) -> Refusal {
        let name = self.name(part);
        let text = format!("The length of the specified parameter \"{name}\" exceeds the limit of {most}.");
        Refusal::new(ErrorCode::InvalidParameterLengthExceeded).saying(&text)
    }

    /// The value, even an empty one.
    pub(in crate::alibaba) fn blank_or(&self, part: &str) -> Option<&'a str> {
        #[cfg(test)]
        super::asked::note(&self.name(part));
        self.tree.below(part)?.value()
    }

    /// The value, where it is not empty.
    pub(in crate::alibaba) fn text(&self, part: &str) -> Option<&'a str> {
        self.blank_or(part).filter(|text| !text.is_empty())
    }

    /// The value in a type of its own.
    pub(in crate::alibaba) fn parsed<T: FromStr>(&self, part: &str) -> Result<Option<T>, Refusal> {
        self.text(part).map(|text| text.parse().map_err(|_| self.invalid(part))).transpose()
    }

    /// The value that must be there.
    pub(in crate::alibaba) fn required<T: FromStr>(&self, part: &str) -> Result<T, Refusal> {
        self.parsed(part)?.ok_or_else(|| self.missing(part))
    }

    /// A whole number within a range.
    pub(in crate::alibaba) fn number<T: FromStr + PartialOrd>(
        &self,
        part: &str,
        range: RangeInclusive<T>,
    ) -> Result<Option<T>, Refusal> {
        match self.parsed(part)? {
            Some(number) if !range.contains(&number) => Err(self.invalid(part)),
            number => Ok(number),
        }
    }

    /// `true` or `false` in any case: Python sends `True`, others `true`.
    pub(in crate::alibaba) fn boolean(&self, part: &str) -> Result<Option<bool>, Refusal> {
        let Some(text) = self.text(part) else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(self.invalid(part)),
        }
    }

    /// A boolean that is false where nothing is said.
    pub(in crate::alibaba) fn flag(&self, part: &str) -> Result<bool, Refusal> {
        Ok(self.boolean(part)?.unwrap_or_default())
    }

    /// A number of CPUs or GiB: finite, not negative, digits and a point alone. Python sends `1.0`, others `1`.
    pub(in crate::alibaba) fn quantity(&self, part: &str) -> Result<Option<f64>, Refusal> {
        let Some(text) = self.text(part) else { return Ok(None) };
        let plain = text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number = plain.then(|| text.parse::<f64>().ok()).flatten();
        number.map(Some).ok_or_else(|| self.invalid(part))
    }

    /// Members separated by commas, without the spaces around them.
    pub(in crate::alibaba) fn separated<T: FromStr>(
        &self,
        part: &str,
        most: usize,
    ) -> Result<Option<Vec<T>>, Refusal> {
        let Some(text) = self.text(part) else { return Ok(None) };
        let members = text.split(',').map(str::trim).filter(|member| !member.is_empty());
        let parsed: Result<Vec<T>, _> = members.map(str::parse).collect();
        let parsed = parsed.map_err(|_| self.invalid(part))?;
        if parsed.len() > most { Err(self.too_long(part, most)) } else { Ok(Some(parsed)) }
    }

    /// A flattened list of values, `Image.1`, `Image.2`.
    pub(in crate::alibaba) fn list<T: FromStr>(&self, part: &str, most: usize) -> Result<Vec<T>, Refusal> {
        #[cfg(test)]
        super::asked::note(&self.name(&format!("{part}.1")));
        self.items(part, most)?
            .into_iter()
            .filter_map(|(item, tree)| Some((item, tree.value()?)))
            .map(|(item, text)| text.parse().map_err(|_| self.invalid(&item)))
            .collect()
    }

    /// A flattened list of objects, `Tag.1.Key`, `Tag.1.Value`.
    pub(in crate::alibaba) fn objects<T>(
        &self,
        part: &str,
        most: usize,
        read: impl Fn(&Fields<'a>) -> Result<T, Refusal>,
    ) -> Result<Vec<T>, Refusal> {
        let items = self.items(part, most)?.into_iter().filter(|(_, tree)| tree.has_parts());
        items.map(|(item, tree)| read(&Fields { tree, path: self.name(&item) + "." })).collect()
    }

    /// A nested object, where any part of it is there.
    pub(in crate::alibaba) fn object<T>(
        &self,
        part: &str,
        read: impl Fn(&Fields<'a>) -> Result<T, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        let Some(tree) = self.tree.below(part).filter(|tree| tree.has_parts()) else { return Ok(None) };
        read(&Fields { tree, path: self.name(part) + "." }).map(Some)
    }

    /// The members of a list with their names, at most so many.
    fn items(&self, part: &str, most: usize) -> Result<Vec<(String, &'a Tree)>, Refusal> {
        let items = self.tree.below(part).map(Tree::items).unwrap_or_default();
        if items.len() > most {
            return Err(self.too_long(part, most));
        }
        Ok(items.into_iter().map(|(index, tree)| (format!("{part}.{index}"), tree)).collect())
    }
}

#[cfg(test)]
mod tests;
