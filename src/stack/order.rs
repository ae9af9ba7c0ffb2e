//! In which order services start.

/// Which services wait for which, each by its index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// For each service the ones that it waits for.
    needs: Vec<Vec<usize>>,
}

impl Order {
    /// An order in which each service waits for those of its list.
    pub fn new(needs: impl IntoIterator<Item = Vec<usize>>) -> Self {
        let needs = needs.into_iter().collect();
        Self { needs }
    }

    /// What a service waits for.
    pub fn needs(&self, service: usize) -> &[usize] {
        self.needs.get(service).map_or(&[], Vec::as_slice)
    }

    /// The opposite order: each service waits for those that waited for it.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let mut needs = vec![Vec::new(); self.needs.len()];
        for (service, needed) in self.needs.iter().enumerate() {
            for other in needed {
                if let Some(waiting) = needs.get_mut(*other) {
                    waiting.push(service);
                }
            }
        }
        Self { needs }
    }

    /// The order of these services alone. One that waits for another through some
    /// that are not among them waits for it still.
    #[must_use]
    pub fn only(&self, is_kept: impl Fn(usize) -> bool) -> Self {
        let mut needs = vec![Vec::new(); self.needs.len()];
        for at in self.layers().concat() {
            let mut all: Vec<usize> = Vec::new();
            for need in self.needs(at) {
                match needs.get(*need) {
                    Some(beyond) if !is_kept(*need) => all.extend(beyond),
                    _ => all.push(*need),
                }
            }
            all.sort_unstable();
            all.dedup();
            if let Some(own) = needs.get_mut(at) {
                *own = all;
            }
        }
        Self { needs }
    }

    /// The services in layers: each waits only for services of earlier layers.
    /// What is in a circle, or waits for one, is in none.
    pub fn layers(&self) -> Vec<Vec<usize>> {
        let mut layers = Vec::new();
        let mut is_placed = vec![false; self.needs.len()];
        let has = |placed: &[bool], at: &usize| placed.get(*at).copied().unwrap_or(true);
        loop {
            let layer: Vec<usize> = (0..self.needs.len())
                .filter(|at| !has(&is_placed, at))
                .filter(|at| self.needs(*at).iter().all(|need| has(&is_placed, need)))
                .collect();
            if layer.is_empty() {
                return layers;
            }
            for at in &layer {
                if let Some(placed) = is_placed.get_mut(*at) {
                    *placed = true;
                }
            }
            layers.push(layer);
        }
    }

    /// For each service how long the longest chain is of those that wait for it.
    pub fn heights(&self) -> Vec<usize> {
        let mut heights = vec![0; self.needs.len()];
        for at in self.layers().concat().into_iter().rev() {
            let above = heights.get(at).map_or(0, |height| height + 1);
            for need in self.needs(at) {
                if let Some(height) = heights.get_mut(*need) {
                    *height = above.max(*height);
                }
            }
        }
        heights
    }

    /// The circles, each as the services on the way round; one at most for each
    /// service.
    pub fn circles(&self) -> Vec<Vec<usize>> {
        let mut circles = Vec::new();
        let placed = self.layers().concat();
        let mut left: Vec<usize> = (0..self.needs.len())
            .filter(|at| !placed.contains(at))
            .collect();
        // What waits for a circle is followed into it.
        while let Some(first) = left.first() {
            let mut way = vec![*first];
            let circle = loop {
                let last = way.last().copied().unwrap_or_default();
                let next = self.needs(last).iter().find(|need| left.contains(need));
                let Some(next) = next else { break None };
                if let Some(at) = way.iter().position(|other| other == next) {
                    break Some(way.split_off(at));
                }
                way.push(*next);
            };
            let is_known = |at: &usize| circle.as_ref().is_some_and(|circle| circle.contains(at));
            left.retain(|at| !way.contains(at) && !is_known(at));
            circles.extend(circle);
        }
        circles
    }
}
