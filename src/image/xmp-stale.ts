/**
 * Which properties of XMP are about parts of a file that a restored picture does not have: the video of a motion photo, a
 * gain map, pictures appended to the file, thumbnails. Left in, they would make programs look for those parts.
 *
 * What lies in the packet itself, such as a depth map in it, stays.
 *
 * @module
 */

/** Namespaces that only describe other parts of the file. */
const APPENDED: readonly string[] = [
  // Which pictures and videos follow the first one, and how long they are (Google's photo container).
  'http://ns.google.com/photos/1.0/container/',
  'http://ns.google.com/photos/1.0/container/item/',
  // Gain maps: Adobe's, which Ultra HDR uses, and Apple's.
  'http://ns.adobe.com/hdr-gain-map/1.0/',
  'http://ns.apple.com/HDRGainMap/1.0/',
  'http://ns.apple.com/pixeldatainfo/1.0/',
  // Depth and other views as parts of the container (dynamic depth 1.0).
  'http://ns.google.com/photos/dd/1.0/device/',
  'http://ns.google.com/photos/dd/1.0/container/',
];

/** Single properties, by their namespace. */
const SINGLE: Readonly<Record<string, RegExp>> = {
  'http://ns.google.com/photos/1.0/camera/': /^(MotionPhoto|MicroVideo)/,
  'http://ns.adobe.com/xap/1.0/': /^Thumbnails$/,
  'http://ns.adobe.com/xap/1.0/g/img/': /./,
};

export function isStaleProperty(namespace: string, name: string): boolean {
  return APPENDED.includes(namespace) || SINGLE[namespace]?.test(name) === true;
}

/** Whether the declaration of a namespace can go too, because every property in it does. */
export function promisesNothing(namespace: string): boolean {
  return APPENDED.includes(namespace);
}
