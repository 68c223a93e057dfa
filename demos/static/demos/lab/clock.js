/**
 * The server's clock, as the page knows it.
 *
 * The page asks for the time a few times. The quickest answer is the best one: the server read its clock
 * at some moment between question and answer, so that the offset is wrong by half of that time at most
 * (D. Mills, RFC 5905, section 8).
 */

/** How often the page asks. The first question may also open a connection. */
const QUESTIONS = 7;

export class ServerClock {
  /**
   * @param {number} offset what to add to `performance.now()` to get the server's time, in milliseconds
   * @param {number} error the most by which the offset may be wrong, in milliseconds
   */
  constructor(offset, error) {
    this.offset = offset;
    this.error = error;
  }

  /** Return the time of the server, in milliseconds since 1970. */
  now() {
    return performance.now() + this.offset;
  }

  /**
   * Measure the offset.
   * @param {() => Promise<number>} ask returns the server's time, in milliseconds since 1970
   */
  static async measure(ask, questions = QUESTIONS) {
    const clocks = [];
    for (let question = 0; question < questions; question += 1) {
      const asked = performance.now();
      const told = await ask();
      const half = (performance.now() - asked) / 2;
      clocks.push(new ServerClock(told - asked - half, half));
    }
    return clocks.reduce((best, clock) => (clock.error < best.error ? clock : best));
  }
}
