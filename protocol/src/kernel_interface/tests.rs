//! Checks of the private data: sizes, offsets, and that only the right buffer is read.

use super::*;
use crate::telemetry::{Level, TelemetryRecord, area, code};

#[test]
fn only_the_right_buffer_is_read() {
    let good = FreeHeap { header: PrivateHeader::new(kind::FREE_HEAP), offset: 7 };
    let bytes = bytemuck::bytes_of(&good);
    assert_eq!(FreeHeap::read(bytes), Ok(good));
    assert_eq!(
        FreeHeap::read(bytes.get(1..).expect("longer")),
        Err(PrivateDataError::Size { expected: 16, actual: 15 })
    );
    let wrong = |header| FreeHeap::read(bytemuck::bytes_of(&FreeHeap { header, offset: 7 }));
    let header = good.header;
    assert_eq!(wrong(PrivateHeader { magic: 1, ..header }), Err(PrivateDataError::Magic { magic: 1 }));
    assert_eq!(wrong(PrivateHeader { version: 9, ..header }), Err(PrivateDataError::Version { version: 9 }));
    assert_eq!(
        wrong(PrivateHeader { kind: 1, ..header }),
        Err(PrivateDataError::Kind { expected: kind::FREE_HEAP, actual: 1 })
    );
}

#[test]
fn kinds_differ() {
    let kinds = [
        AdapterData::KIND,
        ContextData::KIND,
        AllocationData::KIND,
        StandardAllocationData::KIND,
        FenceMarker::KIND,
        MapContext::KIND,
        AllocateHeap::KIND,
        FreeHeap::KIND,
        WaitForFence::KIND,
        Trace::KIND,
        Doorbell::KIND,
        ContextState::KIND,
        AdapterStatus::KIND,
        SetMode::KIND,
        ReadTelemetry::KIND,
        AttachLink::KIND,
        LinkUp::KIND,
        LinkKick::KIND,
        DetachLink::KIND,
    ];
    for (at, kind) in kinds.iter().enumerate() {
        assert!(!kinds.iter().skip(at + 1).any(|other| other == kind), "kind {kind} twice");
    }
}

#[test]
fn telemetry_is_read_and_answered_in_place() {
    let record = TelemetryRecord {
        time_ns: 5,
        level: Level::Info,
        area: area::ADAPTER,
        code: code::ADAPTER_STARTED,
        process: 7,
        context: 0,
        args: [1, 2, 3, 4],
    };
    let mut request = ReadTelemetry::new(42);
    let bytes = bytemuck::bytes_of_mut(&mut request);
    assert_eq!(ReadTelemetry::read_cursor(bytes), Ok(42));
    for index in 0..TELEMETRY_BATCH {
        let room = ReadTelemetry::record_bytes(index).and_then(|range| bytes.get_mut(range)).expect("inside");
        room.copy_from_slice(bytemuck::bytes_of(&record.to_words()));
    }
    assert_eq!(ReadTelemetry::record_bytes(TELEMETRY_BATCH), None);
    ReadTelemetry::write_head(bytes, 106, 9, 64);
    let short = bytes.len() - 1;
    assert_eq!(
        ReadTelemetry::read_cursor(&bytes[..short]),
        Err(PrivateDataError::Size { expected: short + 1, actual: short })
    );
    assert_eq!((request.cursor, request.dropped), (106, 9));
    assert_eq!(request.given().count(), 64);
    assert!(request.given().all(|given| given == record));
    request.count = u32::MAX;
    assert_eq!(request.given().count(), TELEMETRY_BATCH, "a lying count gives no more than there is");
    request.header.kind = kind::SET_MODE;
    assert!(ReadTelemetry::read_cursor(bytemuck::bytes_of(&request)).is_err());
}
