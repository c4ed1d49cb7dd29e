//! Which known word somebody meant.

/// The known word that is most like this one, where one is like it at all: a third of the letters may differ.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // The distance is quadratic, and a word that long is like none.
    if word.len() > 80 {
        return None;
    }
    let most = (word.chars().count() / 3).max(1);
    let distances = known.map(|known| (strsim::damerau_levenshtein(word, known), known));
    distances
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// The same for keys: the last part alone counts as well, for what stands under the wrong heading.
pub(crate) fn nearest_key<'a>(key: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let last = |key: &'a str| key.rsplit('.').next().unwrap_or(key);
    let wanted = key.rsplit('.').next().unwrap_or(key);
    let same = known.clone().find(|known| last(known) == wanted);
    same.or_else(|| nearest(key, known))
}
