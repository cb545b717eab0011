//! Stream-output declarations: `D3D11_SO_DECLARATION_ENTRY` checked against a program's outputs, in the DDI's form.

use pvgpu_umd_ddi::D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY;

use crate::hresult::{E_INVALIDARG, Result, require};

/// `D3D11_SO_STREAM_COUNT` and `D3D11_SO_BUFFER_SLOT_COUNT`.
const SLOTS: u32 = 4;
/// Most entries of a declaration (`D3D11_SO_OUTPUT_COMPONENT_COUNT` × `D3D11_SO_STREAM_COUNT`).
pub const MAX_ENTRIES: usize = 512;
/// `D3D11_SO_OUTPUT_COMPONENT_COUNT`: components of one stream's vertex.
const MAX_COMPONENTS: u32 = 128;
/// `D3D11_SO_BUFFER_MAX_STRIDE_IN_BYTES`.
const MAX_STRIDE: u32 = 2048;
/// `D3D11_SO_NO_RASTERIZED_STREAM`.
const NO_RASTERIZED_STREAM: u32 = u32::MAX;
/// The register of a gap, in the DDI.
const GAP: u32 = u32::MAX;

/// One entry as the application gives it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The stream.
    pub stream: u32,
    /// The output's semantic; none for a gap.
    pub semantic: Option<String>,
    /// The semantic's index.
    pub index: u32,
    /// The first component, counted from the output's own first.
    pub start: u32,
    /// Components.
    pub count: u32,
    /// The buffer.
    pub slot: u32,
}

/// The declaration of one shader.
#[derive(Clone, Copy, Debug)]
pub struct Declaration<'a> {
    /// What goes where.
    pub entries: &'a [Entry],
    /// Bytes from vertex to vertex of each buffer; empty when the application leaves that to the entries.
    pub strides: &'a [u32],
    /// The stream that is drawn, or `D3D11_SO_NO_RASTERIZED_STREAM`.
    pub rasterized: u32,
    /// The device is of a feature level below 11.0: one stream, and several buffers only for one output each.
    pub level_10: bool,
}

/// What a slot has got so far.
#[derive(Clone, Copy, Default)]
struct Slot {
    stream: Option<u32>,
    entries: u32,
    outputs: u32,
    components: u32,
}

impl Declaration<'_> {
    /// Checks the declaration and gives its entries to the driver. `output` finds the register and the component mask of an
    /// output by semantic, index and stream.
    ///
    /// # Errors
    /// `E_INVALIDARG` for what Direct3D refuses.
    pub fn resolve(
        &self,
        output: impl Fn(&str, u32, u32) -> Option<(u32, u8)>,
    ) -> Result<Vec<D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY>> {
        require(self.entries.len() <= MAX_ENTRIES && self.strides.len() <= SLOTS as usize)?;
        require(self.rasterized < SLOTS || self.rasterized == NO_RASTERIZED_STREAM)?;
        if self.level_10 {
            require(self.rasterized == 0 && self.strides.len() <= usize::from(!self.entries.is_empty()))?;
        }
        let mut slots = [Slot::default(); SLOTS as usize];
        let mut captured: Vec<(u32, u32, u8)> = Vec::new();
        let mut resolved = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            let streams = if self.level_10 { 1 } else { SLOTS };
            require(entry.stream < streams && entry.count != 0)?;
            let slot = slots.get_mut(entry.slot as usize).ok_or(E_INVALIDARG)?;
            require(slot.stream.is_none_or(|stream| stream == entry.stream))?;
            slot.stream = Some(entry.stream);
            slot.entries += 1;
            slot.components += entry.count;
            let mut add = |register, mask| {
                resolved.push(D3D11DDIARG_STREAM_OUTPUT_DECLARATION_ENTRY {
                    Stream: entry.stream,
                    OutputSlot: entry.slot,
                    RegisterIndex: register,
                    RegisterMask: mask,
                });
            };
            let Some(semantic) = &entry.semantic else {
                require(entry.index == 0 && entry.start == 0)?;
                // The driver's entries have four components at most.
                let whole = (0..entry.count / 4).map(|_| 4);
                for count in whole.chain(Some(entry.count % 4).filter(|rest| *rest != 0)) {
                    add(GAP, mask_of(0, count));
                }
                continue;
            };
            let (register, components) = output(semantic, entry.index, entry.stream).ok_or(E_INVALIDARG)?;
            require(entry.start.saturating_add(entry.count) <= components.count_ones())?;
            // Components count from the element's first, which need not be the register's.
            let mask = mask_of(components.trailing_zeros() + entry.start, entry.count);
            let twice = captured.iter().any(|(stream, known, part)| {
                (*stream, *known) == (entry.stream, register) && part & mask != 0
            });
            require(!twice)?;
            captured.push((entry.stream, register, mask));
            slot.outputs += 1;
            add(register, mask);
        }
        self.check_slots(&slots)?;
        for stream in 0..SLOTS {
            let all = captured.iter().filter(|(of, ..)| *of == stream).map(|(_, _, mask)| mask.count_ones());
            require(all.sum::<u32>() <= MAX_COMPONENTS)?;
        }
        Ok(resolved)
    }

    fn check_slots(&self, slots: &[Slot]) -> Result {
        let used = slots.iter().filter(|slot| slot.entries != 0).count();
        for (number, slot) in slots.iter().enumerate().filter(|(_, slot)| slot.entries != 0) {
            let bytes = slot.components * 4;
            require(slot.outputs != 0 && bytes <= MAX_STRIDE)?;
            if self.level_10 && used > 1 {
                require(slot.entries == 1)?;
            }
            if !self.strides.is_empty() {
                let stride = *self.strides.get(number).ok_or(E_INVALIDARG)?;
                require(stride.is_multiple_of(4) && (bytes..=MAX_STRIDE).contains(&stride))?;
            }
        }
        Ok(())
    }
}

/// `count` bits from bit `start` of a component mask.
fn mask_of(start: u32, count: u32) -> u8 {
    // CAST: four bits.
    ((((1_u32 << count.min(4)) - 1) << start.min(4)) & 0xf) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(stream: u32, semantic: &str, index: u32, start: u32, count: u32, slot: u32) -> Entry {
        let semantic = (!semantic.is_empty()).then(|| semantic.to_owned());
        Entry { stream, semantic, index, start, count, slot }
    }

    /// Outputs of stream 0: A 0 is r0.xyzw, A 1 r1.xyz, A 2 r2.zw.
    fn outputs(semantic: &str, index: u32, stream: u32) -> Option<(u32, u8)> {
        match (semantic, index, stream) {
            ("A", 0, 0) => Some((0, 0xf)),
            ("A", 1, 0) => Some((1, 0x7)),
            ("A", 2, 0) => Some((2, 0xc)),
            _ => None,
        }
    }

    fn resolve(entries: &[Entry], strides: &[u32]) -> Option<Vec<(u32, u32, u8)>> {
        let declaration = Declaration { entries, strides, rasterized: NO_RASTERIZED_STREAM, level_10: false };
        let resolved = declaration.resolve(outputs).ok()?;
        Some(resolved.iter().map(|e| (e.OutputSlot, e.RegisterIndex, e.RegisterMask)).collect())
    }

    #[test]
    fn entries_become_registers_and_gaps_are_split() {
        let entries = [entry(0, "A", 0, 1, 2, 0), entry(0, "", 0, 0, 9, 0), entry(0, "A", 2, 1, 1, 0)];
        let expected = vec![(0, 0, 0x6), (0, GAP, 0xf), (0, GAP, 0xf), (0, GAP, 0x1), (0, 2, 0x8)];
        assert_eq!(resolve(&entries, &[]), Some(expected.clone()));
        assert_eq!(resolve(&entries, &[48]), Some(expected));
        for stride in [44, 50, 0, 4096] {
            assert_eq!(resolve(&entries, &[stride]), None, "stride {stride}");
        }
    }

    #[test]
    fn what_direct3d_refuses_is_refused() {
        let good = entry(0, "A", 0, 0, 4, 0);
        let bad = [
            entry(0, "", 0, 0, 0, 0),
            entry(0, "", 1, 0, 1, 0),
            entry(0, "", 0, 1, 1, 0),
            entry(0, "A", 1, 0, 4, 0),
            entry(0, "A", 1, 2, 2, 0),
            entry(0, "A", 1, 3, 0, 0),
            entry(0, "A", 1, 0, 3, 4),
            entry(0, "B", 0, 0, 1, 0),
            entry(1, "A", 1, 0, 3, 1),
            entry(0, "A", 0, 3, 1, 1),
            entry(0, "", 0, 0, 1, 2),
        ];
        for bad in bad {
            assert_eq!(resolve(&[good.clone(), bad.clone()], &[]), None, "{bad:?}");
        }
        assert_eq!(
            resolve(&[good.clone(), entry(0, "A", 1, 0, 3, 2)], &[16, 0]),
            None,
            "a stride is missing"
        );
        // Strides of slots that are not used do not matter.
        assert!(resolve(&[good.clone(), entry(0, "A", 1, 0, 3, 2)], &[16, 1, 12]).is_some());
    }

    #[test]
    fn older_levels_have_one_stream_and_one_output_for_each_of_several_buffers() {
        let check = |entries: &[Entry], strides: &[u32], rasterized| {
            Declaration { entries, strides, rasterized, level_10: true }.resolve(outputs).is_ok()
        };
        let (a, b) = (entry(0, "A", 0, 0, 4, 0), entry(0, "A", 1, 0, 3, 0));
        assert!(check(&[a.clone(), b.clone()], &[], 0));
        assert!(check(std::slice::from_ref(&a), &[64], 0));
        assert!(check(&[a.clone(), Entry { slot: 3, ..b.clone() }], &[], 0));
        assert!(!check(&[a.clone(), entry(0, "", 0, 0, 1, 0), Entry { slot: 3, ..b }], &[], 0));
        assert!(!check(std::slice::from_ref(&a), &[64, 64], 0));
        assert!(!check(&[], &[64], 0));
        assert!(!check(&[a], &[], NO_RASTERIZED_STREAM));
    }
}
