//! Medians and other quantiles of measurements.

/// The value below which `share` (0 to 1) of the values lie, by the nearest rank; `None` without values.
pub fn quantile<T: Copy + PartialOrd>(values: &[T], share: f64) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    // CAST: a share of a length is at most that length; anything below 1 is the first.
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// The middle value (of an even number the lower one); `None` without values.
pub fn median<T: Copy + PartialOrd>(values: &[T]) -> Option<T> {
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks() {
        let values: Vec<u32> = (1..=200).rev().collect();
        assert_eq!(
            [0.0, 0.5, 0.9, 0.99, 1.0].map(|s| quantile(&values, s)),
            [1, 100, 180, 198, 200].map(Some)
        );
        assert_eq!(median(&[3.5, 1.0, 2.0]), Some(2.0));
        assert_eq!(median::<u32>(&[]), None);
        assert_eq!(quantile(&[7], 0.99), Some(7));
    }
}
