/** Larger single files are no magnetic resonance images: 512 slices of 512 x 512 take a quarter. */
export const largestFileBytes = 2 ** 30;

/** What a deflated file may become: ten times what deflated images of one file were seen to have. */
export const largestInflatedBytes = 2 ** 27;

/** Where the pixel data of nearly every classic image begin; more is read only where they do not. */
export const headerBytes = 2 ** 18;

/** An enhanced image of 5000 frames has a quarter of this. */
export const mostElements = 2 ** 20;

/** Frames of one file; a functional study has some thousands. */
export const mostFrames = 2 ** 16;

/** Files of one folder or zip; a large study has some ten thousand. */
export const mostFiles = 200_000;

/** Longer texts are no values that Dawson looks at. */
export const longestTextBytes = 1024;

/** Rows and columns of one image. */
export const mostRows = 4096;
