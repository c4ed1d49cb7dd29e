//! What is kept of a cloud's call beside the record that it makes.

use std::collections::BTreeMap;

use model::{Cloud, CloudNotes, ImageSource, LabelFilter};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::DialectSettings;

/// The most texts of images that are kept; those of earlier updates go first.
const MOST_IMAGES: usize = 60;

/// By what a listing finds what is in a resource group.
const RESOURCE_GROUP: &str = "resource-group";

/// What is kept of a cloud's call beside the record that it makes: one document for both clouds, so that each can show what the
/// other was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Recorded {
    /// The region of each cloud that a call of it has put it into.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) regions: BTreeMap<String, String>,
    /// The resource group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource_group: Option<String>,
    /// Images in the words in which they were given, those of earlier updates too.
    pub(super) images: Vec<String>,
    /// Logins without their passwords.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) logins: Vec<RecordedLogin>,
    /// Parameters that mean nothing here, by the cloud's names for them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) parameters: BTreeMap<String, Value>,
}

/// A login without its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RecordedLogin {
    pub(super) server: String,
    pub(super) username: String,
    pub(super) name: String,
}

impl Recorded {
    /// What was kept; nothing where nothing was, or a later version kept what this one cannot read. The regions are those of
    /// the labels too: an automatic cache has no more.
    pub(super) fn of(notes: Option<&CloudNotes>) -> Self {
        let Some(notes) = notes else { return Self::default() };
        let mut recorded: Self = serde_json::from_str(notes.document()).unwrap_or_default();
        for cloud in [Cloud::Alibaba, Cloud::Tencent] {
            if let Some(region) = notes.labels().get(&cloud.region_label()) {
                recorded.put_into(cloud, region);
            }
        }
        recorded
    }

    /// Puts it into a region, where no call of that cloud has before.
    pub(super) fn put_into(&mut self, cloud: Cloud, region: &str) {
        self.regions.entry(cloud.to_string()).or_insert_with(|| region.to_owned());
    }

    /// The region of that cloud.
    pub(super) fn region(&self, cloud: Cloud) -> Option<&str> {
        self.regions.get(&cloud.to_string()).map(String::as_str)
    }

    /// To be kept.
    ///
    /// # Errors
    /// Where it is too much.
    pub(super) fn into_notes(self, cloud: Cloud) -> Result<CloudNotes, model::CloudNotesError> {
        let text = serde_json::to_string(&self).expect("texts, numbers and lists alone");
        let region = |cloud: Cloud| Some((cloud.region_label(), self.region(cloud)?.to_owned()));
        let group = self.resource_group.clone().map(|group| (RESOURCE_GROUP.to_owned(), group));
        let labels = [Cloud::Alibaba, Cloud::Tencent].into_iter().filter_map(region).chain(group);
        CloudNotes::new(cloud, text)?.with_labels(labels.collect())
    }

    /// Keeps the words of images, each once.
    pub(super) fn add_images<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        for text in texts {
            self.images.retain(|known| known != text);
            self.images.push(text.to_owned());
        }
        let over = self.images.len().saturating_sub(MOST_IMAGES);
        self.images.drain(..over);
    }

    /// Images in the words in which they were given.
    pub(super) fn texts_of(&self, images: &[ImageSource]) -> Vec<String> {
        let known: BTreeMap<String, &String> = self
            .images
            .iter()
            .filter_map(|text| Some((text.parse::<model::ImageReference>().ok()?.to_string(), text)))
            .collect();
        let given = |image: &ImageSource| {
            let plain = image.to_string();
            known.get(&plain).map_or(plain, |text| (*text).clone())
        };
        images.iter().map(given).collect()
    }

    /// Keeps a parameter that was given; one that was not stays as it was.
    pub(super) fn keep(&mut self, name: &str, value: Option<impl Serialize>) {
        if let Some(value) = value.and_then(|value| serde_json::to_value(value).ok()) {
            self.parameters.insert(name.to_owned(), value);
        }
    }
}

/// Whether what has these notes is in a region of a cloud.
pub(super) fn is_in_region(
    notes: Option<&CloudNotes>,
    cloud: Cloud,
    region: &str,
    settings: &DialectSettings,
) -> bool {
    settings.puts_into(region, Recorded::of(notes).region(cloud))
}

/// What a listing lets through: what is in that region, and in that resource group if there is one.
pub(super) fn labels(
    cloud: Cloud,
    region: &str,
    group: Option<&str>,
    settings: &DialectSettings,
) -> BTreeMap<String, LabelFilter> {
    let of_region = || {
        let filter = LabelFilter { is: region.to_owned(), or_missing: settings.is_first(region) };
        (cloud.region_label(), filter)
    };
    let of_group =
        |group: &str| (RESOURCE_GROUP.to_owned(), LabelFilter { is: group.to_owned(), or_missing: false });
    settings.has_several().then(of_region).into_iter().chain(group.map(of_group)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_keep_the_words_in_which_they_were_given() {
        let mut recorded = Recorded::default();
        recorded.add_images(["nginx", "a/b:1"]);
        recorded.add_images(["nginx", "redis:7"]);
        let images: Vec<ImageSource> =
            ["docker.io/library/nginx:latest", "docker.io/a/b:1", "docker.io/a/b:2"]
                .iter()
                .map(|text| text.parse().unwrap())
                .collect();
        assert_eq!(recorded.texts_of(&images), ["nginx", "a/b:1", "docker.io/a/b:2"]);
        let read = Recorded::of(Some(&recorded.clone().into_notes(Cloud::Alibaba).unwrap()));
        assert_eq!(read, recorded);
    }

    #[test]
    fn what_was_put_into_no_region_is_in_the_first() {
        let regions = |regions: &[&str]| DialectSettings {
            regions: regions.iter().map(|region| (*region).to_owned()).collect(),
            skew_seconds: 0,
        };
        let mut in_b = Recorded::default();
        in_b.put_into(Cloud::Alibaba, "b");
        in_b.put_into(Cloud::Alibaba, "a");
        let in_b = in_b.into_notes(Cloud::Alibaba).unwrap();
        // An automatic cache has that alone, and keeps it whichever cloud's call changes it.
        let automatic = in_b.of_region().unwrap();
        let changed = Recorded::of(Some(&automatic)).into_notes(Cloud::Tencent).unwrap();
        let one = regions(&["a"]);
        let two = regions(&["a", "b"]);
        for (notes, cloud, settings, expected) in [
            (None, Cloud::Alibaba, &two, [true, false]),
            (Some(&in_b), Cloud::Alibaba, &two, [false, true]),
            (Some(&automatic), Cloud::Alibaba, &two, [false, true]),
            (Some(&changed), Cloud::Alibaba, &two, [false, true]),
            (Some(&in_b), Cloud::Tencent, &two, [true, false]),
            (Some(&in_b), Cloud::Alibaba, &one, [true, true]),
        ] {
            for (region, expected) in ["a", "b"].into_iter().zip(expected) {
                assert_eq!(is_in_region(notes, cloud, region, settings), expected, "{region}");
                let found = labels(cloud, region, None, settings).into_iter().all(|(key, filter)| {
                    filter.lets_through(notes.and_then(|notes| notes.labels().get(&key)).map(String::as_str))
                });
                assert_eq!(found, expected, "the listing of {region}");
            }
        }
    }
}
