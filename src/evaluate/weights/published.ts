/**
 * Where the weights of the networks that measure pictures are published.
 *
 * Checksums are those in the publishers' file names: torch.hub checks the same digits.
 *
 * @module
 */
import type { LpipsNetwork } from '../../metrics/lpips.ts';
import type { PublishedFile } from './download.ts';

const torchvision = (name: string, sha256: string, mostBytes: number): PublishedFile => ({
  name,
  url: `https://download.pytorch.org/models/${name}`,
  sha256,
  mostBytes,
});

/** torchvision's classifiers, trained on ImageNet (BSD-3-Clause). */
export const LPIPS_BACKBONES: Readonly<Record<LpipsNetwork, PublishedFile>> = {
  alex: torchvision('alexnet-owt-7be5be79.pth', '7be5be79', 300e6),
  squeeze: torchvision('squeezenet1_1-b8a52dc0.pth', 'b8a52dc0', 20e6),
  vgg: torchvision('vgg16-397923af.pth', '397923af', 700e6),
};

/** The Inception network with which FID is defined, in pytorch-fid's port (Apache-2.0). */
export const FID_INCEPTION: PublishedFile = {
  name: 'pt_inception-2015-12-05-6726825d.pth',
  url: 'https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth',
  sha256: '6726825d',
  mostBytes: 200e6,
};
