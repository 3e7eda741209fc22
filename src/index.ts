/**
 * Clearword: photographs restored with words.
 *
 * @module
 */
export {
  Clearword,
  type ImageInput,
  type InspectOptions,
  type LoadOptions,
  type RestoreOptions,
  type RestoreProgress,
} from './clearword.ts';
export { type Degradation, KNOWN_DEGRADATIONS } from './degradations/index.ts';
export { ClearwordError, catalogue, type ErrorCode } from './errors.ts';
export type { ImageFormat } from './image/image-signature.ts';
export type { RawPixels } from './image/picture.ts';
export type { AnyModel, Findings, PlainModel, RestorationModel, TileModel, Tiling } from './models/model.ts';
export type { Decision } from './restore/policy.ts';
export type { Provenance } from './restore/provenance.ts';
export { type EncodeSettings, RestoredImage, type Role, type WriteSettings } from './restore/restored-image.ts';
export { RestoreResult } from './restore/result.ts';
export { VERSION } from './version.ts';
