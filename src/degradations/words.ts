/**
 * What is said about a degradation: the record that a name needs to be asked for, shown and spoken of.
 *
 * @module
 */

/** How a strength of 0..1 is said to people. */
export interface StrengthUnit {
  /** What is measured, for documents and hover texts. */
  readonly meaning: string;
  /** Value that strength 1 stands for, in the unit that people know. */
  readonly full: number;
  /** Written behind the value; '' where the value is a plain number. */
  readonly unit: string;
  /**
   * Strengths (0..1) from which it is called clear, and strong; below, it is light. As the bundled model reports them of
   * pictures that people call so: noise of sigma 10 and 24; half of Rain100L's streaks against the light quarter of heavy rain;
   * the thinnest and the densest haze of SOTS; one and two and a half stops (docs/quality.md has the medians).
   */
  readonly clear: number;
  readonly strong: number;
}

export interface DegradationWords {
  /** What it is called in a sentence, lower case. */
  readonly label: string;
  /**
   * Its place in the order in which light and then the file meet them: air (haze 10, rain 20), exposure (30), lens (40), sensor
   * (50), file (60). Composites are made in this order; nothing else knows it.
   */
  readonly place: number;
  /** Nouns for it; the first is the plainest, and repeated ones are written more often. */
  readonly nouns: readonly string[];
  /** Whole requests to remove it, without an object of their own; the first is the plainest. */
  readonly requests: readonly string[];
  readonly strength: StrengthUnit;
  /** Seen only by what it does to the things behind it: in a picture of one colour it is never sure. Default false. */
  readonly needsThings?: boolean;
  /**
   * Probability below which calibration never calls it found, where a picture may be so on purpose and removing it changes all of it;
   * absent: more likely than not.
   */
  readonly leastFound?: number;
  /**
   * Removed where it is not, it changes the whole picture, by 10 dB and more, which noise and compression do not: calibration allows
   * that half as often. Default false.
   */
  readonly drastic?: boolean;
  /**
   * Has an above and a below (rain falls, distance rises): turned or upside down it is something that no training showed, so an
   * ensemble only mirrors it. Default false.
   */
  readonly upright?: boolean;
  /** Least overlap of tiles where it is removed, pixels: how far the network looks around for it. Default: 48. */
  readonly reach?: number;
  /** Strength below which calibration never calls it found: too weak to be seen, so that removing it gains nothing. Default 0. */
  readonly leastStrength?: number;
}
