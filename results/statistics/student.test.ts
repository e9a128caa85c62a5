/** Student's distribution against printed tables and closed forms. */
import { test } from 'uvu'
import { incompleteBeta } from './beta.js'
import { near } from './simulation.testing.js'
import { studentProbability, studentQuantile } from './student.js'

test("Student's quantiles are those of the printed tables", () => {
  const table = [
    [0.975, 1, 12.706],
    [0.975, 2, 4.303],
    [0.975, 3, 3.182],
    [0.975, 4, 2.776],
    [0.975, 9, 2.262],
    [0.975, 30, 2.042],
    [0.975, 120, 1.98],
    [0.95, 5, 2.015],
    [0.995, 10, 3.169],
  ] as const
  for (const [p, freedom, expected] of table) near(studentQuantile(p, freedom), expected, 0.0006)
  near(studentQuantile(0.975, 1e7), 1.959964, 1e-5)
})

test('with one and two degrees it has closed forms', () => {
  for (const t of [0.1, 1, 3, 20]) {
    near(studentProbability(t, 1), 0.5 + Math.atan(t) / Math.PI, 1e-12)
    near(studentProbability(t, 2), 0.5 + t / (2 * Math.sqrt(2 + t * t)), 1e-12)
  }
})

test('degrees between whole ones lie between', () => {
  const [two, between, three] = [2, 2.5, 3].map((freedom) => studentQuantile(0.975, freedom)) as [number, number, number]
  near(between, 3.5747, 0.0005)
  near(Math.sign(two - between) + Math.sign(between - three), 2, 0)
})

test('the incomplete beta function of whole numbers is a polynomial', () => {
  for (const x of [0, 0.2, 0.5, 0.9, 1]) {
    near(incompleteBeta(x, 1, 1), x, 1e-12)
    near(incompleteBeta(x, 2, 3), 6 * x ** 2 - 8 * x ** 3 + 3 * x ** 4, 1e-12)
  }
})

test.run()
