/**
 * What the platform does not check of Zstandard frames (RFC 8878).
 * @module
 */

const frameMagic = 0xfd2f_b528;
/** The lowest of 16 magic numbers of frames that decoders skip. */
const skippableMagic = 0x184d_2a50;

/** Whether data consists of whole frames: every last block and checksum is there. */
export function isWholeZstd(data: Uint8Array): boolean {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let at = 0;
  while (at < data.length) {
    if (at + 8 > data.length) return false;
    const magic = view.getUint32(at, true);
    if ((magic & 0xffff_fff0) >>> 0 === skippableMagic) {
      at += 8 + view.getUint32(at + 4, true);
    } else if (magic === frameMagic) {
      const end = endOfFrame(view, at + 4);
      if (end === undefined) return false;
      at = end;
    } else return false;
  }
  return at === data.length;
}

function endOfFrame(view: DataView, start: number): number | undefined {
  const descriptor = view.getUint8(start);
  const singleSegment = (descriptor >> 5 & 1) === 1;
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const dictionaryId = [0, 1, 2, 4][descriptor & 3]!;
  let at = start + 1 + (singleSegment ? 0 : 1) + dictionaryId + contentSize;
  for (;;) {
    if (at + 3 > view.byteLength) return undefined;
    const header = view.getUint16(at, true) | view.getUint8(at + 2) << 16;
    const [last, type, size] = [(header & 1) === 1, header >> 1 & 3, header >> 3];
    // A block of type 1 is one byte, repeated.
    at += 3 + (type === 1 ? 1 : size);
    if (last) break;
  }
  const end = at + (descriptor >> 2 & 1) * 4;
  return end <= view.byteLength ? end : undefined;
}
