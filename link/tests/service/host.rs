//! A host that serves no GPU: the other end of a mirror, as a worker sees it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pvgpu_protocol::aperture::{
    LINE_BYTES, Layout, PAGE_BYTES, RING_HEADER_BYTES, Sizes, host_cell, host_state, request_cell,
};
use pvgpu_protocol::record::RecordHeader;
use pvgpu_protocol::version::VersionRange;
use pvgpu_ring::{Consumer, FenceWriter, IrqRequest};
use pvgpu_transport::Mapping;
use pvgpu_transport::carrier::Channels;
use pvgpu_transport::mirror::{Greeted, MirrorHost};

use crate::PATIENCE;

/// The header of a record without a payload that names no command: the mirror carries it all the same.
pub const RECORD: u64 = 0x7FFF_0000_0000_0008;

/// The host.
pub struct FakeHost(Arc<MirrorHost>);

impl FakeHost {
    /// Hears the guest's hello.
    pub fn greet(channels: Channels) -> Self {
        Self::try_greet(channels).expect("the guest says hello")
    }

    /// The same for a guest that may have gone.
    pub fn try_greet(channels: Channels) -> Option<Self> {
        let greeted = Greeted::hear(channels, PATIENCE).ok()?;
        let layout = Layout::new(greeted.hello.sizes).expect("a usual size");
        // CAST: 64 MiB.
        let mapping = Mapping::anonymous(layout.sizes.aperture as usize).expect("memory");
        Some(Self(greeted.begin(mapping, layout).expect("it begins")))
    }

    /// Refuses the guest, with words.
    pub fn refuse(channels: Channels, reason: u64, text: &str) {
        let greeted = Greeted::hear(channels, PATIENCE).expect("the guest says hello");
        let mut cells = [0; pvgpu_transport::mirror::wire::CONTROL_CELLS];
        cells[0] = host_state::REFUSED;
        cells[host_cell::REASON - host_cell::STATE] = reason;
        cells[host_cell::VERSIONS - host_cell::STATE] = VersionRange::OURS.to_word();
        greeted.refuse(cells, text);
    }

    /// Says that it serves.
    pub fn ready(&self) {
        let cells = self.0.mapping().whole();
        cells.as_ref()[host_cell::STATE].store(host_state::READY, Ordering::Release);
        self.0.interrupt();
    }

    /// The header of ring 0's next record.
    pub fn next_ring0(&self) -> u64 {
        let layout = Layout::new(Sizes::with_aperture(self.0.mapping().len() as u64)).expect("a usual size");
        let place = layout.ring0;
        let memory = self.0.mapping().region(place.ring_offset(), RING_HEADER_BYTES + place.capacity);
        let mut ring = Consumer::new(memory.expect("inside"), 0).expect("a ring");
        let (mut local, begin) = (vec![0; 8192], Instant::now());
        loop {
            if let Some(record) = ring.pop_into(&mut local).expect("an honest ring") {
                assert_eq!(record.ring_bytes(), 8);
                return RecordHeader::from_word(local[0]).to_word();
            }
            assert!(begin.elapsed() < PATIENCE, "no record has come: {:?}", self.0.why());
            self.0.wait_doorbell(Duration::from_millis(10));
        }
    }

    /// Completes ring 0's fence, as a worker does: the line, then the interrupt if it was asked for.
    pub fn complete(&self, value: u64) {
        let page = self.0.mapping().region(Layout::fence_page_offset(), PAGE_BYTES).expect("inside");
        FenceWriter::new(page, 0).expect("a line").complete(value, 5);
        let cell = Layout::request_line(0).expect("ring 0");
        let request = self.0.mapping().region(cell as u64 * 8, LINE_BYTES).expect("inside");
        // The mirror asks for each.
        let _ = IrqRequest::new(request, request_cell::AT_VALUE).expect("a cell").fire(value);
        self.0.interrupt();
    }

    /// Ends the link.
    pub fn end(&self, why: &str) {
        self.0.end(why);
    }

    /// Closes the channels as a killed process does.
    pub fn abandon(self) {
        self.0.end("killed");
    }
}
