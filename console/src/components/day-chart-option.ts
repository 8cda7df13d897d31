// What echarts is told to draw for a run of days: two rows of bars, each on a scale of its own.

/** Names of the page's colours. */
const colourNames = [
  '--ink-muted',
  '--line-soft',
  '--surface-raised',
  '--accent',
  '--warn',
  '--ink-faint',
] as const
export type ColourName = (typeof colourNames)[number]
export type ChartColours = Record<ColourName, string>

export type DaySeries = {
  name: string
  colour: ColourName
  /** One for each day; whole numbers. */
  values: readonly number[]
  /** How values of the scale are written, which are round. */
  formatScale: (value: number) => string
  /** Between two lines of the scale lies at least so much. */
  scaleStepMin: number
  /** How the value of one day is written. */
  texts: readonly string[]
}

export type DayChart = {
  days: readonly string[]
  /** The upper one is the larger. */
  series: readonly [DaySeries, DaySeries]
}

/** The page's own colours, as they stand under the present theme: a canvas can't read CSS variables. */
export function readChartColours(): ChartColours {
  const style = getComputedStyle(document.documentElement)
  const entries = colourNames.map((name) => [name, style.getPropertyValue(name).trim()])
  return Object.fromEntries(entries) as ChartColours
}

function describeDay({ days, series }: DayChart, index: number): string {
  return [days[index], ...series.map(({ name, texts }) => `${name}: ${texts[index]}`)].join('\n')
}

function barsOf({ name, colour, values }: DaySeries, index: number, colours: ChartColours) {
  return {
    type: 'bar',
    name,
    data: [...values],
    xAxisIndex: index,
    yAxisIndex: index,
    barMaxWidth: 34,
    itemStyle: { color: colours[colour], borderRadius: [3, 3, 0, 0] },
  }
}

export function dayChartOption(chart: DayChart, colours: ChartColours) {
  const [upper, lower] = chart.series
  const label = { color: colours['--ink-muted'], fontSize: 11 }
  const line = { lineStyle: { color: colours['--line-soft'] } }
  const xAxis = (gridIndex: number, isLabelled: boolean) => ({
    type: 'category',
    gridIndex,
    data: [...chart.days],
    axisLabel: { ...label, show: isLabelled },
    axisTick: { show: false },
    axisLine: line,
  })
  const yAxis = (gridIndex: number, { name, formatScale, scaleStepMin }: DaySeries) => ({
    type: 'value',
    gridIndex,
    name,
    nameTextStyle: { ...label, align: 'left', padding: [0, 0, 0, -44] },
    minInterval: scaleStepMin,
    splitNumber: 3,
    axisLabel: { ...label, formatter: formatScale },
    splitLine: line,
  })
  return {
    animationDuration: 250,
    grid: [
      { left: 60, right: 12, top: 34, bottom: '43%' },
      { left: 60, right: 12, top: '72%', bottom: 28 },
    ],
    axisPointer: { link: [{ xAxisIndex: 'all' }] },
    tooltip: {
      trigger: 'axis',
      // Drawn on the canvas: the HTML tooltip carries style attributes, which the policy refuses.
      renderMode: 'richText',
      axisPointer: { type: 'shadow' },
      backgroundColor: colours['--surface-raised'],
      borderColor: colours['--line-soft'],
      textStyle: { color: colours['--ink-muted'], fontSize: 12, lineHeight: 18 },
      formatter: (bars: { dataIndex: number }[]) => describeDay(chart, bars[0]?.dataIndex ?? 0),
    },
    xAxis: [xAxis(0, false), xAxis(1, true)],
    yAxis: [yAxis(0, upper), yAxis(1, lower)],
    series: [barsOf(upper, 0, colours), barsOf(lower, 1, colours)],
  }
}
