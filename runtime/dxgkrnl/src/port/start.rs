//! What dxgkrnl asks of an adapter that has started: capabilities, segments, nodes, children.

use pvgpu_kmd_ddi::*;

use super::driver::NtResult;
use super::vidmm::VidMm;
use super::{Life, Port};
use crate::verifier::Rule;

/// What the driver said of itself.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Whether it preempts at the scheduler's request.
    pub(crate) preemption_aware: bool,
    /// Its segments: flags, base address and bytes. Segment n is the (n − 1)-th.
    pub(crate) segments: Vec<SegmentFacts>,
    /// Bytes of a paging buffer and of its private data.
    pub(crate) paging: (u32, u32),
    /// Its children's numbers.
    pub(crate) children: Vec<u32>,
    /// Their EDIDs, as far as they gave one.
    pub(crate) edids: Vec<Vec<u8>>,
}

/// A memory segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentFacts {
    /// `DXGK_SEGMENTFLAGS`.
    pub(crate) flags: u32,
    /// The address of its first byte, as the driver counts.
    pub(crate) base: u64,
    /// Bytes.
    pub(crate) bytes: u64,
}

impl Port {
    /// The queries after `StartDevice`. `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// The driver's status.
    pub(crate) fn after_start(self: &std::sync::Arc<Self>) -> NtResult<()> {
        if self.life() != Life::Started {
            return Err(STATUS_INVALID_DEVICE_STATE);
        }
        let caps = self.driver.query_caps()?;
        let nodes = caps.GpuEngineTopology.NbAsymetricProcessingNodes.max(1);
        for node in 0..nodes {
            self.driver.get_node_metadata(node)?;
        }
        let (segments, paging) = self.driver.query_segments()?;
        let (_, children) = self.topology();
        let children = self.driver.query_child_relations(children)?;
        let mut edids = Vec::new();
        for child in &children {
            self.driver.query_child_status(*child)?;
            match self.driver.query_device_descriptor(*child) {
                Ok(edid) => edids.push(edid),
                Err(
                    STATUS_MONITOR_NO_DESCRIPTOR
                    | STATUS_MONITOR_NO_MORE_DESCRIPTOR_DATA
                    | STATUS_GRAPHICS_CHILD_DESCRIPTOR_NOT_SUPPORTED,
                ) => {}
                Err(status) => return Err(status),
            }
        }
        if segments.iter().any(|segment| segment.bytes == 0) {
            let detail = || "a segment without bytes".to_owned();
            self.system().verifier.report(Rule::Ddi, "DxgkDdiQueryAdapterInfo", detail);
        }
        let facts = Facts {
            preemption_aware: caps.SchedulingCaps.has(DXGK_VIDSCHCAPS::PreemptionAware),
            segments,
            paging,
            children,
            edids,
        };
        let vidmm = VidMm::new(self, &facts)?;
        // A second start asks again; the answers of one driver do not change.
        self.facts.get_or_init(|| facts);
        *self.vidmm.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = vidmm;
        Ok(())
    }

    /// What the driver said of itself, once it has started.
    pub(crate) fn facts(&self) -> Option<&Facts> {
        self.facts.get()
    }
}
