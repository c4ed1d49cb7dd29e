//! What is kept of a cloud's call beside the record that it makes.

use std::collections::BTreeMap;

use model::{Cloud, CloudNotes, ImageSource};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::DialectSettings;

/// The most texts of images that are kept; those of earlier updates go first.
const MOST_IMAGES: usize = 60;

/// What is kept of a cloud's call beside the record that it makes: one document for both clouds, so that each can show what the
/// other was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Recorded {
    /// The region that the call named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<String>,
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
    /// What was kept; nothing where nothing was, or a later version kept what this one cannot read.
    pub(super) fn of(notes: Option<&CloudNotes>) -> Self {
        notes.and_then(|notes| serde_json::from_str(notes.document()).ok()).unwrap_or_default()
    }

    /// To be kept.
    ///
    /// # Errors
    /// Where it is too much.
    pub(super) fn into_notes(self, cloud: Cloud) -> Result<CloudNotes, model::CloudNotesError> {
        CloudNotes::new(cloud, serde_json::to_string(&self).expect("texts, numbers and lists alone"))
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

/// Whether what has these notes is in a region of a cloud. What no call of that cloud has put into one of its regions is in the
/// first.
pub(super) fn is_in_region(
    notes: Option<&CloudNotes>,
    cloud: Cloud,
    region: &str,
    settings: &DialectSettings,
) -> bool {
    if !settings.has_several() {
        return true;
    }
    let own = notes.filter(|notes| notes.cloud() == cloud);
    match Recorded::of(own).region.filter(|recorded| settings.serves(recorded)) {
        Some(recorded) => recorded == region,
        None => settings.is_first(region),
    }
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
        let in_b = Recorded { region: Some("b".to_owned()), ..Recorded::default() };
        let in_b = in_b.into_notes(Cloud::Alibaba).unwrap();
        let two = regions(&["a", "b"]);
        let found =
            |notes, region, settings: &DialectSettings| is_in_region(notes, Cloud::Alibaba, region, settings);
        assert!(found(None, "a", &two) && !found(None, "b", &two));
        assert!(!found(Some(&in_b), "a", &two) && found(Some(&in_b), "b", &two));
        assert!(is_in_region(Some(&in_b), Cloud::Tencent, "a", &two));
        assert!(found(Some(&in_b), "a", &regions(&["a"])), "there is one place");
        assert!(found(Some(&in_b), "a", &regions(&["a", "c"])), "its region is none any more");
    }
}
